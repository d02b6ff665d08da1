"""Frames set apart for the calibration of uncertainties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from typing_extensions import override

from potbench.errors import require_not_negative, require_positive
from potbench.loading.splits.groups import units
from potbench.loading.splits.random import shuffled
from potbench.loading.splits.sizes import part_of
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class CalibrationSplit(Split):
    """Another split, some of whose training frames are set apart: nothing is fitted to them or chosen by them.

    Set apart below folds and nested sizes, they are the same for every member of an ensemble.

    Args:
        split: whose training frames are drawn from; its other sets stay as they are.
        calibration: fraction of the training frames, or how many (a whole number).
        by_molecule: whether whole molecules are drawn instead of frames; sizes then are of molecules.
        seed: seed of the draw.
    """

    def __init__(self, split: Split, calibration: float = 0.05, by_molecule: bool = False, seed: int = 0) -> None:
        require_positive(self, calibration=calibration)
        require_not_negative(self, seed=seed)
        self.split = split
        self.calibration = calibration
        self.by_molecule = by_molecule
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        whole = self.split.divide(store)
        unit = units(store, whole.train, self.by_molecule)
        total, kind = int(unit.max()) + 1, "molecules" if self.by_molecule else "frames"
        size = part_of(self, "calibration", total, f"training {kind}")
        apart = np.zeros(total, dtype=bool)
        apart[shuffled(total, self.seed)[:size]] = True
        calibration = np.union1d(whole.calibration, whole.train[apart[unit]]).astype(whole.train.dtype)
        return replace(whole, train=whole.train[~apart[unit]], calibration=calibration)
