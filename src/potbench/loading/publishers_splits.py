"""Refuse splits of a publisher that cannot be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from potbench.datasets.dataset import OfficialIndices
from potbench.errors import DataFileError
from potbench.structures import IntArray

CHANGE = "Expected the files as they were published; compare them with their source."


def require_sensible(
    splits: Mapping[str, OfficialIndices], num_frames: int, name: str, files: Sequence[str] = ()
) -> None:
    """Raise DataFileError for splits whose sets overlap, repeat frames, name frames that are not there, or are equal.

    Args:
        splits: name → split.
        num_frames: of the dataset.
        name: of the dataset, for messages.
        files: that it was read from, for messages.
    """
    for split, indices in splits.items():
        its_files = ", ".join([file for file in files if split in file] or list(files)[:3])
        where = f"{name}: in the official split {split}{f' ({its_files})' if files else ''}"
        sets = _sets(indices)
        for which, frames in sets.items():
            if len(frames) and not 0 <= frames.min() <= frames.max() < num_frames:
                raise DataFileError(
                    f"{where}, the {which} set has frames {frames.min()} to {frames.max()}, and there are "
                    f"{num_frames:,} frames. {CHANGE}"
                )
            repeated = len(frames) - len(np.unique(frames))
            if repeated:
                raise DataFileError(f"{where}, the {which} set has {repeated:,} frames more than once. {CHANGE}")
        for (one, frames), (other, others) in combinations(sets.items(), 2):
            shared = np.intersect1d(frames, others)
            if len(shared):
                raise DataFileError(
                    f"{where}, {len(shared):,} frames are in the {one} and in the {other} set, such as frame "
                    f"{shared[0]}. {CHANGE}"
                )
    for (one, first), (other, second) in combinations(splits.items(), 2):
        here, there = _sets(first), _sets(second)
        if here.keys() == there.keys() and all(np.array_equal(np.sort(here[k]), np.sort(there[k])) for k in here):
            raise DataFileError(f"{name}: the official splits {one} and {other} are the same. {CHANGE}")


def _sets(indices: OfficialIndices) -> dict[str, IntArray]:
    sets = {"training": indices.train, "validation": indices.validation, "test": indices.test}
    return {name: frames for name, frames in sets.items() if frames is not None}
