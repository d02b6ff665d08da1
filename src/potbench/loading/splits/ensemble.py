"""The sets of an ensemble, from those of its members."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class EnsembleSplit(Split):
    """The sets of several trainings, such as folds, as those of the ensemble of what they trained.

    Frames that any of them trains on train; those that others validate validate. Frames that all of them test, test,
    and likewise for calibration and named test sets. It is refused where one trains or validates on a test frame of
    another: errors of the ensemble would be too small.

    Args:
        splits: of the members.
    """

    def __init__(self, splits: list[Split]) -> None:
        if not splits:
            raise SettingError(self, "splits", splits, "the split of each member")
        self.splits = splits

    @override
    def divide(self, store: Store) -> SplitIndices:
        return joined([split.divide(store) for split in self.splits], self)


def joined(sets: Sequence[SplitIndices], owner: object = EnsembleSplit) -> SplitIndices:
    """Return the sets of an ensemble.

    Args:
        sets: of its members.
        owner: what divides so.

    Raises:
        SettingError: a member trains or validates on a test frame of another, or no frame is tested by all.
    """
    train = reduce(np.union1d, [each.train for each in sets])
    validation = np.setdiff1d(reduce(np.union1d, [each.validation for each in sets]), train)
    tested = reduce(np.union1d, [each.test for each in sets])
    seen = int(np.isin(tested, np.union1d(train, validation)).sum())
    test = reduce(np.intersect1d, [each.test for each in sets])
    expected = "members with one test set, such as folds of its other frames, or seeds"
    if seen:
        problem = f"{seen:,} of {len(tested):,} test frames of members trained or validated other members"
        raise SettingError(owner, "splits", list(sets), expected, problem)
    if not len(test):
        raise SettingError(owner, "splits", list(sets), expected, "No frame is in the test sets of all members")
    named = {
        name: reduce(np.intersect1d, [each.test_sets[name] for each in sets])
        for name in sets[0].test_sets
        if all(name in each.test_sets for each in sets)
    }
    calibration = reduce(np.intersect1d, [each.calibration for each in sets])
    of_store = sets[0].train.dtype
    train, validation, test, calibration = (
        frames.astype(of_store) for frames in (train, validation, test, calibration)
    )
    return SplitIndices(
        train, validation, test, calibration, test_sets={name: frames for name, frames in named.items() if len(frames)}
    )
