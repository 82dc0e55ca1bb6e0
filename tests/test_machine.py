from __future__ import annotations

import platform

import numpy as np

from squeezebert.machine import available_cores, describe_machine, installed_versions


def test_the_machine_is_described() -> None:
    machine = describe_machine(3)
    assert machine.threads == 3
    assert machine.cores == available_cores() >= 1
    assert machine.cpu
    assert platform.machine() in machine.system
    assert machine.memory_mb is None or machine.memory_mb > 100


def test_versions_of_what_is_installed() -> None:
    versions = installed_versions()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == np.__version__
    assert next(iter(versions)) == "python"
