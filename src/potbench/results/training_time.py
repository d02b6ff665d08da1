"""How long trainings take, with what has to be computed before their first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from potbench.results.member import Member
from potbench.runs.record import TrainingCost
from potbench.structures import FloatArray


def training_seconds(members: Sequence[Member], kind: Literal["wall_time", "cpu_time"]) -> FloatArray:
    """Return the seconds of each training with its preparation, shape (trainings,); NaN where they are not known.

    Features that the first training computes the others find in the cache: the longest preparation counts for each, as
    if it had been made alone.

    Args:
        members: trainings of one architecture on the same data.
        kind: wall time, or seconds of all cores, which early records do not have of preparations.
    """
    costs = [member.known.cost for member in members]
    preparations = [_preparation(cost, kind) for cost in costs if cost is not None]
    longest = np.max([each for each in preparations if each is not None], initial=0.0)
    times = [None if cost is None else getattr(cost, kind) for cost in costs]
    known = [np.nan if time is None or time.value is None else time.value + longest for time in times]
    return np.array(known, dtype=np.float64)


def _preparation(cost: TrainingCost, kind: Literal["wall_time", "cpu_time"]) -> float | None:
    wall = cost.preparation.value if cost.preparation is not None else None
    if kind == "wall_time" or not wall:
        return wall
    found = cost.preparation_cpu
    return np.nan if found is None or found.value is None else found.value
