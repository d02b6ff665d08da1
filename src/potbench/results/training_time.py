"""How long trainings take, with what has to be computed before their first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from potbench.results.member import Member
from potbench.structures import FloatArray


def training_seconds(members: Sequence[Member], kind: Literal["wall_time", "cpu_time"]) -> FloatArray:
    """Return the seconds of each training with its preparation, shape (trainings,); NaN where they are not known.

    Features that the first training computes the others find in the cache: the longest preparation counts for each, as
    if it had been made alone.

    Args:
        members: trainings of one architecture on the same data.
        kind: wall time, or seconds of all cores.
    """
    costs = [member.known.cost for member in members]
    preparations = [cost.preparation.value for cost in costs if cost is not None and cost.preparation is not None]
    longest = max((each for each in preparations if each is not None), default=0.0)
    times = [None if cost is None else getattr(cost, kind) for cost in costs]
    known = [np.nan if time is None or time.value is None else time.value + longest for time in times]
    return np.array(known, dtype=np.float64)
