"""The shapes in the model's signatures are true: `make shapes` checks them at every call."""

from __future__ import annotations

import subprocess
import sys

PROBE = """
import jaxtyping
with jaxtyping.install_import_hook("squeezebert.model.heads", "beartype.beartype"):
    import squeezebert.model.heads as heads
import torch
from squeezebert.config import SQUEEZEBERT_MINI
head = heads.HeadConfig(kind="masked_lm")
with torch.device("meta"):
    model = heads.build_model(SQUEEZEBERT_MINI, head)
    ids = torch.zeros(2, 5, dtype=torch.long)
    model(ids, torch.ones(2, 5, dtype=torch.long))
    try:
        model(ids, torch.ones(2, 6, dtype=torch.long))
    except jaxtyping.TypeCheckError:
        print("caught")
"""


def test_a_wrong_shape_is_caught_by_the_check() -> None:
    """The run under `make shapes` would pass as well if it checked nothing."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "caught"
