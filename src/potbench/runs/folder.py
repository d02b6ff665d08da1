"""The folder of a run: where each of its files is."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path


class RunFolder:
    """Names of the files of a run.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.config = self.path / "config.yaml"
        self.record = self.path / "record.json"
        self.metrics = self.path / "metrics.csv"
        self.split = self.path / "split.npz"
        self.predictions = self.path / "predictions.npz"
        self.checkpoints = self.path / "checkpoints"

    def checkpoint(self, name: str) -> Path:
        """File of a checkpoint by its alias, best or last; or a file as it is.

        Raises:
            FileNotFoundError: there is no such checkpoint.
        """
        file = self.checkpoints / f"{name}.ckpt" if name in {"best", "last"} else Path(name)
        if not file.is_file():
            raise FileNotFoundError(
                f"{file} does not exist. Expected a checkpoint of the run {self.path}: best, last or a file. "
                "Change --ckpt_path, or --run_dir where the run is kept elsewhere."
            )
        return file

    def require(self) -> None:
        """Raise FileNotFoundError unless this is the folder of a run."""
        if not self.config.is_file():
            raise FileNotFoundError(
                f"{self.path} is no run: it has no config.yaml. "
                "Expected a folder that `python -m potbench fit` made; change --run."
            )

    @classmethod
    def new(cls, config_file: Path | None) -> RunFolder:
        """A folder named by the config file and the time: runs/<config>/<time>."""
        name = Path("fit")
        if config_file is not None:
            parts = config_file.with_suffix("").parts
            name = Path(*parts[parts.index("configs") + 1 :]) if "configs" in parts else Path(parts[-1])
        now = time.strftime("%Y-%m-%d_%H-%M-%S")
        # two runs may start within a second
        names = (now if number == 1 else f"{now}_{number}" for number in count(1))
        return cls(next(path for path in (Path("runs") / name / moment for moment in names) if not path.exists()))
