"""metrics.csv, kept whole over interruptions."""

from __future__ import annotations

import csv
from pathlib import Path

from lightning.pytorch import loggers
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.loggers.logger import rank_zero_experiment


class CSVLogger(loggers.CSVLogger):
    """Writes metrics.csv straight into the run folder; a resumed run goes on where its checkpoint left off.

    Lightning's own logger deletes the file it finds.

    Args:
        run_dir: the run folder.
        steps_done: rows of this optimizer step and later are of the interrupted epoch, and are written anew.
    """

    def __init__(self, run_dir: Path, steps_done: int = 0) -> None:
        super().__init__(run_dir, name="", version="")
        self.steps_done = steps_done

    @property
    @rank_zero_experiment
    def experiment(self) -> ExperimentWriter:
        """The writer, with the rows of earlier parts of this run."""
        if self._experiment is None:
            file = Path(self.log_dir) / ExperimentWriter.NAME_METRICS_FILE
            rows: list[dict[str, str]] = []
            if file.is_file():
                with file.open(newline="") as stream:
                    rows = [row for row in csv.DictReader(stream) if int(row["step"]) < self.steps_done]
                file.unlink()
            self._experiment = _QuietWriter(log_dir=self.log_dir)
            self._experiment.metrics = [{key: value for key, value in row.items() if value} for row in rows]  # type: ignore[misc]
        return self._experiment


class _QuietWriter(ExperimentWriter):
    def _check_log_dir_exists(self) -> None:
        """A run folder holds more than logs; nothing in it is deleted."""
