"""No kernel may define a function that other files define too.

The linker keeps one of all definitions of an inline function or a template instance, whoever calls
it. Were it the one that a file of kernels/ compiled for AVX-512, the program would stop with an
illegal instruction on a processor without it. So those files hold all they define in unnamed
namespaces, and this script looks whether their objects have no weak symbol.

    python native/tests/weak_symbols.py build/.../libsqueezebert_core.a
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[1] / "kernels"
# These two are compiled for the plain processor, as everything outside kernels/ is.
PLAIN = {"dispatch", "portable"}
WEAK = set("uVWvw")


def main(archive: str) -> None:
    """Lists the weak symbols of the kernels' objects in ``archive``; exits 1 if there are any."""
    objects = {f"{file.name}.o" for file in KERNELS.glob("*.cpp") if file.stem not in PLAIN}
    listed = subprocess.run(
        ["nm", "--demangle", "--defined-only", archive], capture_output=True, text=True, check=True
    ).stdout
    member, seen, found = "", 0, list[str]()
    for line in listed.splitlines():
        if line.endswith(".o:"):
            member = line.removesuffix(":")
            seen += member in objects
        elif line and member in objects:
            _, kind, symbol = line.split(maxsplit=2)
            if kind in WEAK:
                found.append(f"{member}: {symbol}")
    print(*found, f"{seen} kernels of {archive}: {len(found)} weak symbols", sep="\n")
    sys.exit(seen == 0 or len(found) > 0)


if __name__ == "__main__":
    main(sys.argv[1])
