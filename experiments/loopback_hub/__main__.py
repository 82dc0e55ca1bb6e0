"""A Hugging Face hub on this machine, for ``squeezebert study`` where there is no network.

It serves the study's two checkpoints in the layouts in which they are published (SqueezeBERT as
``pytorch_model.bin`` and ``vocab.txt``, BERT as safetensors with the old names of its LayerNorms),
with random weights, and its data sets in theirs, filled with the sample data of this package::

    python -m experiments.loopback_hub --size tiny squeezebert study --quick --yes -o build/study

runs the command with HF_ENDPOINT and a cache of its own. ``--size base`` is the published size:
0.65 GB, made anew. Faults can be laid into it: files that are missing, cut short, changed or slow.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile

from experiments.loopback_hub.published import published
from experiments.loopback_hub.server import serving


def main() -> int:
    """Runs a command with the hub."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", choices=("tiny", "base"), default="tiny")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="what is run with it")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache, serving(published(arguments.size)) as hub:
        environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": cache}
        environment |= {"HF_HUB_DISABLE_XET": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
        environment.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", "60")
        command = arguments.command or ["env"]
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
