"""How many training frames trainings have in common."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from potbench.loading import SplitIndices
from potbench.results.member import Member


def shared_frames(members: Sequence[Member]) -> float | None:
    """Return the mean share of training frames that two trainings have in common.

    Args:
        members: trainings; those on the same frames count once.

    Returns:
        None where all have the same frames, or their splits are gone.
    """
    draws = {member.known.split.fingerprint: member for member in members if member.folder.split.is_file()}
    frames = [SplitIndices.load(member.folder.split).train for member in draws.values()]
    if len(frames) < 2:
        return None
    return float(np.mean([np.isin(one, other).mean() for one, other in itertools.combinations(frames, 2)]))
