from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and fork are Unix's")
def test_twenty_kills_lose_and_repeat_no_row(root: Path) -> None:
    words = ["--kills", "20", "--rows", "2200", "--seed", "7", "--model", "squeezebert-mini-news"]
    done = subprocess.run(
        [sys.executable, "-m", "experiments.kills", *words],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["kills"] == 20
    assert found["jobs"] > 0
    assert found["wrong"] == 0
