"""The folder of a run: where each of its files is."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path

from potbench.errors import RunError


class RunFolder:
    """Names of the files of a run; nothing else knows them.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.record = self.path / "record.json"
        self.metrics = self.path / "metrics.csv"
        self.split = self.path / "split.npz"
        self.wandb = self.path / "wandb.json"
        self.checkpoints = self.path / "checkpoints"
        self.best = self.checkpoints / "best.ckpt"
        self.last = self.checkpoints / "last.ckpt"
        self.predictions = self.path / "predictions.npz"
        self.figures = self.path / "figures"
        self.loss_figure = self.figures / "loss.png"
        self.parity_figure = self.figures / "parity.png"
        self.residuals_figure = self.figures / "residuals.png"

    @property
    def result(self) -> Path:
        """The checkpoint that the run stands for: the best one, or the last where no epoch was validated."""
        return self.best if self.best.is_file() else self.last

    def config_until(self, step: int) -> Path:
        """Return where the config is saved that was in force until an optimizer step, when a run resumes by another."""
        return self.path / f"config_until_step_{step}.yaml"

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

    @classmethod
    def new(cls, config_file: Path | None) -> RunFolder:
        """Return a folder that is not there, named by config file and time: runs/<config>/<time>."""
        name = Path("fit")
        if config_file is not None:
            parts = config_file.with_suffix("").parts
            name = Path(*parts[parts.index("configs") + 1 :]) if "configs" in parts else Path(parts[-1])
        now = time.strftime("%Y-%m-%d_%H-%M-%S")
        # two runs may start within a second
        names = (now if number == 1 else f"{now}_{number}" for number in count(1))
        return cls(next(path for path in (Path("runs") / name / moment for moment in names) if not path.exists()))
