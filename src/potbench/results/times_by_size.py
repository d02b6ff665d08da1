"""How the time of a training grows with its frames: what is solved at once may grow with their square or cube."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from potbench.reporting.page.content import Column, PageTable, Value
from potbench.reporting.rounding import exponent, three_digits
from potbench.results.table import Table
from potbench.results.training_time import training_seconds
from potbench.structures import FloatArray


def times_by_size(tables: Sequence[Table], title: str) -> PageTable | None:
    """Return the seconds of a training with each number of frames, and the power with which they grow.

    Args:
        tables: of one dataset, by number of training frames, ascending.
        title: of the dataset.
    """
    names = dict.fromkeys(name for table in tables for name in table.rows)
    seconds = {name: np.array([_mean(table, name) for table in tables]) for name in names}
    known = {name: each for name, each in seconds.items() if np.isfinite(each).sum() > 1}
    if not known:
        return None
    sizes = np.array([table.group.size for table in tables])
    columns = (
        Column("Architecture"),
        *(Column(f"{size:,} frames", "s") for size in sizes),
        Column("Power", "", "c of time = a · N^c, between the two largest numbers of frames."),
    )
    rows = tuple((Value(name), *map(_shown, each), _power(sizes, each)) for name, each in known.items())
    note = "CPU time, with that of computing cached features before; mean over trainings."
    return PageTable(f"Time of a training: {title}", columns, rows, (note,))


def _mean(table: Table, name: str) -> float:
    """Return the seconds of a training, mean over trainings; NaN where one is not known, or too short to be timed."""
    found = training_seconds(table.rows[name].finished, "cpu_time") if name in table.rows else np.empty(0)
    return float(found.mean()) if found.all() and len(found) else math.nan


def _shown(seconds: float) -> Value:
    return Value(three_digits(seconds), seconds) if math.isfinite(seconds) else Value("")


def _power(sizes: FloatArray, seconds: FloatArray) -> Value:
    first, last = np.flatnonzero(np.isfinite(seconds))[-2:]
    power = math.log(seconds[last] / seconds[first]) / math.log(sizes[last] / sizes[first])
    return Value(exponent(power), power)
