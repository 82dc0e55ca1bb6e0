"""Run by ``test_resume`` in a process of its own: a run that kills itself inside a checkpoint.

Globals: ``call``, ``recipe``, ``output`` as for ``pretrain`` and ``finetune``; ``resume``;
``place``, a name below; ``after``, how many times that place is passed before.
"""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any


def main(settings: dict[str, Any]) -> None:
    from squeezebert.training.loop import resume as checkpoints

    passes = iter(range(settings["after"]))

    def dying(function: Any, place: str, *, half_way: bool = False) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if place == settings["place"] and next(passes, None) is None:
                if half_way:  # what a kill in the middle of a write leaves behind
                    Path(args[1]).write_bytes(b"half a file")
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return wrapper

    checkpoints.save_file = dying(checkpoints.save_file, "in a weight file", half_way=True)
    checkpoints._flush = dying(checkpoints._flush, "before the files are flushed")
    checkpoints.clean = dying(checkpoints.clean, "before the old checkpoint goes")
    shutil.rmtree = dying(shutil.rmtree, "while the old checkpoint goes")
    settings["call"](settings["recipe"], settings["output"], resume=settings["resume"])


if "call" in globals():
    main(globals())
