"""What grouping saves: parameters and operations of one shape with more and more groups."""

from __future__ import annotations

import dataclasses

from squeezebert.complexity import count
from squeezebert.config import BERT_BASE, GROUP_FIELDS


def main() -> None:
    """Prints a line a group count, all six projections grouped alike."""
    print("groups  M parameters  GFLOP at 128 tokens")
    for groups in (1, 2, 4, 8, 16):
        grouped = dict.fromkeys(GROUP_FIELDS, groups)
        config = dataclasses.replace(BERT_BASE, model_type="squeezebert", **grouped)
        cost = count(config, tokens=128)
        print(f"{groups:6}  {cost.parameters / 1e6:12.1f}  {cost.gflop:19.1f}")


if __name__ == "__main__":
    main()
