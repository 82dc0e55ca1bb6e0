"""What the package exports, and that it is documented."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import squeezebert
from squeezebert import errors


def test_exported_names() -> None:
    assert squeezebert.__all__ == [
        "CheckpointError",
        "CompareSettings",
        "ConfigError",
        "DataError",
        "InvalidInputError",
        "MissingDependencyError",
        "Pipeline",
        "SqueezeBertError",
        "TextEncoder",
        "__version__",
        "compare",
        "evaluate",
        "load",
        "open_dataset",
        "quantize",
        "train",
    ]
    assert dir(squeezebert) == squeezebert.__all__


@pytest.mark.parametrize("name", squeezebert.__all__)
def test_exported_names_exist_and_are_documented(name: str) -> None:
    value = getattr(squeezebert, name)
    if name != "__version__":
        assert inspect.getdoc(value), f"{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        _ = squeezebert.lode


def test_every_error_is_exported_and_shown_in_the_tree() -> None:
    tree = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.SqueezeBertError)
    }
    assert tree <= set(squeezebert.__all__)
    assert all(name in (errors.__doc__ or "") for name in tree)


def test_version_is_in_the_changelog_or_unreleased(root: Path) -> None:
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.fullmatch(r"\d+\.\d+\.\d+", squeezebert.__version__)
    assert f"## [{squeezebert.__version__}]" in changelog or "## [Unreleased]" in changelog


def modules() -> list[str]:
    found = pkgutil.walk_packages(squeezebert.__path__, "squeezebert.")
    return [module.name for module in found if module.name != "squeezebert.__main__"]


@pytest.mark.parametrize("name", modules())
def test_public_things_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    undocumented = [
        attribute
        for attribute, value in vars(module).items()
        if not attribute.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == name
        and not value.__doc__
    ]
    assert undocumented == []


def test_the_extras_named_in_errors_exist(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    call = re.compile(r"""for_extra\(\s*["'][^"']+["'],\s*["']([^"']+)["']""")
    named = {
        extra
        for path in (root / "src").rglob("*.py")
        for extra in call.findall(path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= set(project["optional-dependencies"])
