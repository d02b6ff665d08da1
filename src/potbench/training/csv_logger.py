"""metrics.csv of a run, complete after any interruption."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from potbench.errors import RecordError
from potbench.whole_file import whole_file

STEPS_IN_MEMORY = 100
"""After so many optimizer steps rows are saved, if Lightning did not ask for it before."""


class CSVLogger(Logger):
    """Writes metrics.csv into the run folder; a resumed run keeps the rows before its checkpoint.

    Lightning's own logger deletes the file that it finds.

    Attributes:
        num_rows: rows in the file and in memory.

    Args:
        run_dir: the run folder.
        steps_done: optimizer steps before this part of the run; rows of later steps, which an interrupted epoch left in
            the file, are dropped.

    Raises:
        RecordError: the file is damaged.
    """

    def __init__(self, run_dir: Path, steps_done: int = 0) -> None:
        super().__init__()
        self.run_dir = run_dir
        self.file = run_dir / "metrics.csv"
        self._columns: list[str] = []
        self._rows: list[dict[str, Any]] = []
        self._dropped_from: float = steps_done
        self._kept: int | None = None
        self.num_rows = len(self._read()[1])

    def keep_rows(self, number: int) -> None:
        """Keep the first rows of the file, and drop those that came after them, as a resumed run does.

        Args:
            number: of rows, which `num_rows` was when the checkpoint was saved.
        """
        self._kept = number
        self.num_rows = len(self._read()[1])

    @property
    @override
    def name(self) -> str:
        return ""

    @property
    @override
    def version(self) -> str:
        return ""

    @property
    @override
    def save_dir(self) -> str:
        return str(self.run_dir)

    @property
    @override
    def log_dir(self) -> str:
        return self.save_dir

    @override
    def log_hyperparams(self, *arguments: Any, **named: Any) -> None:
        """Ignore them: config.yaml of the run has every setting."""

    @override
    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add a row; it is in memory until it is saved."""
        step = step or 0
        self._rows.append({**metrics, "step": step})
        self.num_rows += 1
        if (step + 1) % STEPS_IN_MEMORY == 0:
            self.save()

    @override
    @rank_zero_only
    def save(self) -> None:
        """Append the rows in memory to the file; it is rewritten only where they have new columns."""
        if not self._rows:
            return
        # rows of which a full disk took a half are not written again
        rows, self._rows = self._rows, []
        if set().union(*rows) <= set(self._columns) and self.file.is_file():
            with self.file.open("a", newline="", encoding="utf-8") as stream:
                csv.DictWriter(stream, self._columns).writerows(rows)
            return
        columns, earlier = self._read()
        self._columns = sorted({*columns, *set().union(*rows)})
        with whole_file(self.file) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, self._columns)
            writer.writeheader()
            writer.writerows([*earlier, *rows])
        self._dropped_from, self._kept = math.inf, None

    def _read(self) -> tuple[list[str], list[dict[str, str]]]:
        """Columns and rows of the file, without those of an interrupted epoch."""
        if not self.file.is_file():
            return [], []
        try:
            with self.file.open(newline="", encoding="utf-8") as stream:
                # a killed process can leave half a line at the end
                reader = csv.DictReader(line for line in stream if line.endswith("\n"))
                rows = list(reader)
            steps = [int(row["step"]) for row in rows]
            if any(None in row for row in rows):
                raise ValueError("a row is longer than the first line")
        except (csv.Error, LookupError, TypeError, ValueError) as error:
            raise RecordError(
                f"{self.file} is damaged ({error!r}). Expected rows as potbench writes them, each with its step. "
                "Restore the file, or move it away to resume without earlier rows."
            ) from error
        if self._kept is not None:
            rows = rows[: self._kept]
        else:
            rows = [row for row, step in zip(rows, steps, strict=True) if step < self._dropped_from]
        return list(reader.fieldnames or []), rows
