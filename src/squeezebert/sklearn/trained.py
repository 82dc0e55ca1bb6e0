"""What the estimators that are trained share."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from squeezebert.errors import MissingDependencyError
from squeezebert.pipeline import Pipeline, load
from squeezebert.sklearn.inputs import of_texts

if TYPE_CHECKING:
    from squeezebert.spec import TaskName
    from squeezebert.training.recipe.run import FinetuneRecipe


class Trained(BaseEstimator):
    """What the two estimators that are trained share."""

    model: str
    epochs: float
    learning_rate: float
    batch_size: int
    max_length: int
    precision: str
    threads: int | None
    seed: int
    verbose: bool

    def _recipe(self, task: TaskName) -> FinetuneRecipe:
        from squeezebert.training.recipe.run import (
            FinetuneRecipe,
            LoopRecipe,
            ModelRecipe,
            OptimizerRecipe,
        )

        return FinetuneRecipe(
            task=task,
            max_length=self.max_length,
            model=ModelRecipe(start=self.model),
            optimizer=OptimizerRecipe(learning_rate=self.learning_rate),
            loop=LoopRecipe(
                epochs=self.epochs,
                batch_size=self.batch_size,
                seed=self.seed,
                torch_threads=self.threads or 0,
                tensorboard=False,
            ),
        )

    def _train(self, recipe: FinetuneRecipe, data: Any) -> None:
        try:
            from squeezebert.training.finetuning.finetune import finetune
        except ImportError as error:
            raise MissingDependencyError.for_extra("torch", "train", "fitting a model") from error
        with tempfile.TemporaryDirectory(prefix="squeezebert-") as folder:
            finetune(recipe, Path(folder) / "model", data=data, quiet=not self.verbose)
            self._files = _read(Path(folder) / "model")
        self._open()

    def _open(self) -> None:
        # The engine maps the files, so they stay as long as the estimator does.
        folder = Path(tempfile.mkdtemp(prefix="squeezebert-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        _write(self._files, folder)
        self.pipeline_: Pipeline[Any] = load(folder, precision=self.precision, threads=self.threads)

    def save(self, directory: str | Path) -> None:
        """Writes the fitted model as a directory that :func:`squeezebert.load` and the command
        line take.

        Raises:
            InvalidInputError: something is there already.
        """
        from squeezebert.files import appearing

        check_is_fitted(self, "pipeline_")
        with appearing(Path(directory)) as temporary:
            _write(self._files, temporary)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(cast("dict[str, Any]", super().__getstate__()))
        state.pop("pipeline_", None)
        return state

    def __sklearn_tags__(self) -> Any:
        return of_texts(super().__sklearn_tags__())

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_files" in state:
            self._open()


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, content in files.items():
        (folder / name).write_bytes(content)
