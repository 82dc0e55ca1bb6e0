"""A bar on stderr that shows how far a comparison is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from squeezebert.cli import screen
from squeezebert.shown import shown

if TYPE_CHECKING:
    from types import TracebackType


class Bar:
    """How far the comparison is; see :class:`squeezebert.comparison.measure.Progress`."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn

        self._progress = screen.progress(BarColumn(), MofNCompleteColumn())
        self._task = self._progress.add_task("", total=None)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def stage(self, name: str, steps: int) -> None:
        """See :class:`squeezebert.comparison.measure.Progress`."""
        self._progress.reset(self._task, description=shown(name), total=steps)
        self._progress.refresh()

    def advance(self) -> None:
        """See :class:`squeezebert.comparison.measure.Progress`."""
        self._progress.advance(self._task)
        self._progress.refresh()
