"""TensorBoard, in the folder of the run."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from lightning.pytorch import loggers
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from potbench.dashboards.dashboard import Dashboard, Results, with_unit
from potbench.errors import MissingPackageError


class TensorBoardLogger(Dashboard, loggers.TensorBoardLogger):
    """Logs a run to TensorBoard, into the subfolder `tensorboard` of its folder.

    Of what an interrupted run logged after its last checkpoint, TensorBoard shows nothing once it is resumed.

    Raises:
        MissingPackageError: tensorboard is not installed.
    """

    def __init__(self) -> None:
        if find_spec("tensorboard") is None:
            raise MissingPackageError("tensorboard", "The logger of TensorBoard needs", "tensorboard")
        super().__init__(save_dir="", name="", version="tensorboard")
        self.units = {}
        self._waits = False

    @property
    @override
    def experiment(self) -> Any:
        """The writer; None before the run begins."""
        return None if self._waits else super().experiment

    @override
    def keep_in(self, run_dir: Path, steps_done: int | None) -> None:
        self._root_dir = str(run_dir)
        self._kwargs["purge_step"] = steps_done
        self._waits = True

    @override
    @rank_zero_only
    def begin(self, config: dict[str, Any]) -> None:
        self._waits = False
        if config:
            lines = yaml.safe_dump(config, sort_keys=False, allow_unicode=True).splitlines()
            self.experiment.add_text("config", "\n".join(f"    {line}" for line in lines))

    @override
    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:
        """Ignore them: the config of the run has every setting."""

    @override
    def save(self) -> None:
        """Write what is in memory."""
        if self._experiment is not None:
            self._experiment.flush()

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        super().log_metrics(self.named(metrics), step)

    @override
    @rank_zero_only
    def show(self, results: Results) -> None:
        from PIL import Image  # TensorBoard needs it too

        writer = self.experiment
        for name, number in results.numbers.items():
            if number.value is not None:
                writer.add_scalar(with_unit(name, number.unit), number.value, results.step)
        for name, file in results.figures.items():
            with Image.open(file) as image:
                writer.add_image(name, np.asarray(image.convert("RGB")), results.step, dataformats="HWC")
        for name, rows in results.tables.items():
            lines = [list(rows[0]), ["---"] * len(rows[0]), *(list(row.values()) for row in rows)]
            text = "\n".join(" | ".join(f"{value}" for value in line) for line in lines)
            writer.add_text(name, text, results.step)
        writer.close()
