"""The folder of a run: where each of its files is."""

from __future__ import annotations

import json
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Literal

from potbench.errors import RunError

State = Literal["new", "started", "interrupted", "finished"]


class EvaluationFolder:
    """Names of the files of an evaluation.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.predictions = self.path / "predictions.npz"
        self.figures = self.path / "figures"
        self.parity_figure = self.figures / "parity.png"
        self.residuals_figure = self.figures / "residuals.png"
        self.sensitivity_figure = self.figures / "sensitivity.png"
        self.calibration_figure = self.figures / "calibration.png"
        self.test_sets = self.figures / "test_sets"

    def of_test_set(self, name: str) -> EvaluationFolder:
        """Return the names of the figures of a named test set, which are in a folder of their own."""
        folder = EvaluationFolder(self.path)
        folder.parity_figure, folder.residuals_figure = (
            self.test_sets / name / figure.name for figure in (self.parity_figure, self.residuals_figure)
        )
        return folder


class RunFolder(EvaluationFolder):
    """Names of the files of a run; nothing else knows them. Its own evaluation is in the folder itself.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.lock = self.path / "run.lock"
        self.config = self.path / "config.yaml"
        self.record = self.path / "record.json"
        self.metrics = self.path / "metrics.csv"
        self.split = self.path / "split.npz"
        self.trained_on = self.path / "trained_on.npz"
        self.wandb = self.path / "wandb.json"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best.ckpt"
        self.last = self.checkpoints / "last.ckpt"
        self.loss_figure = self.figures / "loss.png"
        self.examined_lines = self.path / "examined.json"
        self.examined_figures = self.figures / "examined"
        self._made: list[Path] = []

    @property
    def state(self) -> State:
        """Return how far training has come.

        new: there is no run. started: there is no checkpoint. interrupted: training goes on from the last checkpoint.
        finished: training has ended.
        """
        if not self.config.is_file():
            return "new"
        with suppress(OSError, ValueError, AttributeError):
            if json.loads(self.record.read_bytes()).get("budget") is not None:
                return "finished"
        return "interrupted" if self.last.is_file() else "started"

    @property
    def result(self) -> Path:
        """The checkpoint that the run stands for: the best one, or the last where no epoch was validated."""
        return self.last if self.last.is_file() and not self.best.is_file() else self.best

    def config_until(self, step: int) -> Path:
        """Return where the config is saved that was in force until an optimizer step, when a run resumes by another."""
        return self.path / f"config_until_step_{step}.yaml"

    def evaluation(self, name: str) -> EvaluationFolder:
        """Return the folder of an evaluation of another checkpoint, of other data, or with other settings."""
        return EvaluationFolder(self.path / "evaluations" / name)

    def set_aside(self, name: str) -> None:
        """Move predictions and their figures to the folder of an evaluation, `name`: they are the run's no longer."""
        other = self.evaluation(name)
        drawn = ("parity_figure", "residuals_figure", "sensitivity_figure", "calibration_figure", "test_sets")
        for file in ("predictions", *drawn):
            old, new = getattr(self, file), getattr(other, file)
            if old.exists():
                if new.is_dir():  # only an empty one would be replaced
                    shutil.rmtree(new)
                new.parent.mkdir(parents=True, exist_ok=True)
                old.replace(new)

    def checkpoint(self, name: str) -> Path:
        """Return the file of a checkpoint.

        Args:
            name: best, last, or a file.

        Raises:
            RunError: there is no such checkpoint.
        """
        file = {"best": self.best, "last": self.last}.get(name, Path(name))
        if not file.is_file():
            raise RunError(
                f"{file} does not exist. Expected a checkpoint of the run {self.path}: best, last or a file. "
                "Choose another checkpoint, or the folder where the run is."
            )
        return file

    def require(self) -> None:
        """Raise RunError unless this is the folder of a run."""
        if not self.config.is_file():
            raise RunError(
                f"{self.path} is no run: it has no {self.config.name}. "
                "Expected a folder that `python -m potbench fit` made. Choose another folder."
            )

    def create(self, must_be_new: bool = False) -> None:
        """Make the folder.

        Args:
            must_be_new: whether a folder that is there is refused; of several processes, one makes it.

        Raises:
            FileExistsError: see `must_be_new`.
        """
        missing = [folder for folder in (self.path, *self.path.parents) if not folder.exists()]
        self.path.mkdir(parents=True, exist_ok=not must_be_new)
        self._made = self._made or missing

    def discard(self) -> None:
        """Remove the folders that `create` made, as far as they are empty."""
        with suppress(OSError):
            for folder in self._made:
                folder.rmdir()

    def is_config(self, file: Path) -> bool:
        """Return whether a file is the config that the run was trained with."""
        return file == self.config and (self.record.is_file() or self.split.is_file())

    @classmethod
    def new(cls, config_file: Path | None) -> RunFolder:
        """Make a folder that was not there, named by config file and time: runs/<config>/<time>.

        Args:
            config_file: also the config of a run, after which the new one is named; None without one.
        """
        name = Path("fit")
        if config_file is not None and cls(config_file.parent).is_config(config_file):
            parts = config_file.parent.absolute().parts
            within = parts[parts.index("runs") + 1 :] if "runs" in parts else parts[-1:]
            name = Path(*(within[:-1] or within))  # the last is a time, where it was named by it
        elif config_file is not None:
            parts = config_file.with_suffix("").parts
            name = Path(*parts[parts.index("configs") + 1 :]) if "configs" in parts else Path(parts[-1])
        now = time.strftime("%Y-%m-%d_%H-%M-%S")
        numbers = count(2)
        run = cls(Path("runs") / name / now)
        while True:  # several runs may start within a second
            try:
                run.create(must_be_new=True)
            except FileExistsError:
                run = cls(Path("runs") / name / f"{now}_{next(numbers)}")
            else:
                return run
