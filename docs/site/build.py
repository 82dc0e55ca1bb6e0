"""Builds the site of ``docs/`` into ``build/site``.

Whatever Zensical or mkdocstrings remarks is an error.

python -m docs.site.build
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from docs.site.pages import ROOT, BrokenLinkError, lay_out

# What Zensical says of a build that went well; more is a remark.
EXPECTED = re.compile(r"Build (started|finished.*)|No issues found|\+ .*|\s*")
COLORS = re.compile(r"\x1b\[[0-9;]*m")


def build(root: Path = ROOT) -> list[str]:
    """Lays the pages out and has Zensical make the site. Returns what it remarks."""
    try:
        lay_out(root / "build" / "docs", root)
    except BrokenLinkError as error:
        return [str(error)]
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--clean"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    lines = COLORS.sub("", done.stdout).splitlines()
    remarks = [line for line in lines if not EXPECTED.fullmatch(line)]
    if done.returncode != 0 and not remarks:
        return [f"zensical ended with {done.returncode}"]
    return remarks


if __name__ == "__main__":
    if find_spec("zensical") is None or find_spec("mkdocstrings") is None:
        sys.exit('error: the site needs Zensical and mkdocstrings: pip install -e ".[docs]"')
    found = build()
    if found:
        sys.exit("\n".join([*found, "error: the site has faults"]))
    print("build/site/index.html")
