"""metrics.csv, kept whole over interruptions."""

from __future__ import annotations

import csv
from pathlib import Path

from lightning.fabric.loggers.csv_logs import _ExperimentWriter as ExperimentWriter
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch import loggers


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
            self._experiment = _Writer(self.log_dir, self.steps_done)
        return self._experiment


class _Writer(ExperimentWriter):
    def __init__(self, log_dir: str, steps_done: int) -> None:
        super().__init__(log_dir)
        file = Path(self.metrics_file_path)
        if not file.is_file():
            return
        with file.open(newline="") as stream:
            # a killed process can leave half a line at the end
            reader = csv.DictReader(line for line in stream if line.endswith("\n"))
            rows = [row for row in reader if int(row["step"]) < steps_done]
        partial = file.with_suffix(".csv.partial")
        with partial.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(rows)
        partial.replace(file)
        self.metrics_keys = list(reader.fieldnames or [])

    def _check_log_dir_exists(self) -> None:
        """A run folder holds more than logs; nothing in it is deleted."""
