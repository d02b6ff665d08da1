"""Cross validation: with test sets that change with the fold, or with one that all folds share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative
from potbench.loading.splits.groups import by_chunk, units
from potbench.loading.splits.random import shuffled
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class KFold(Split):
    """One of k folds: every frame, or molecule, is in the test set of exactly one of them.

    Validation frames are drawn at random from the other folds.

    Args:
        fold: which of the folds tests, 0 up to num_folds − 1.
        num_folds: k.
        validation: fraction of the other folds that validates.
        by_molecule: whether folds are of whole molecules instead of frames.
        seed: seed of the draw: the same for all folds.
    """

    def __init__(
        self, fold: int, num_folds: int = 5, validation: float = 0.1, by_molecule: bool = False, seed: int = 0
    ) -> None:
        _require_fold(self, fold, num_folds, seed)
        if not 0 < validation < 1:
            raise SettingError(self, "validation", validation, "a fraction between 0 and 1")
        self.fold = fold
        self.num_folds = num_folds
        self.validation = validation
        self.by_molecule = by_molecule
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        if self.by_molecule:
            names, of_chunk = np.unique(store.molecule_names, return_inverse=True)
            num_units, kind = len(names), "molecules"
        else:
            num_units, kind = len(store), "frames"
        folds = np.array_split(shuffled(num_units, self.seed), self.num_folds)
        test = folds.pop(self.fold)
        others = np.concatenate(folds)
        # they are in the order of the folds, and validation would come from the first alone
        np.random.default_rng([self.seed, self.fold]).shuffle(others)
        num_validation = max(1, round(self.validation * len(others)))
        if num_units < self.num_folds or num_validation >= len(others):
            raise SettingError(
                self,
                "num_folds",
                self.num_folds,
                f"more {kind}, or fewer folds",
                f"{num_units} {kind} are too few for {self.num_folds} folds with {num_validation} for validation",
            )
        sets = others[num_validation:], others[:num_validation], test
        if not self.by_molecule:
            return SplitIndices(*(np.sort(frames) for frames in sets))
        set_of_molecule = np.empty(num_units, dtype=np.int8)
        for number, chosen in enumerate(sets):
            set_of_molecule[chosen] = number
        return by_chunk(store, set_of_molecule[of_chunk])


class Folds(Split):
    """One of k folds of the training and validation frames of another split, whose test set all folds share.

    A fold validates, the others train. Since the test frames are the same, folds are repeated trainings of which errors
    can be compared frame by frame; with KFold the test frames change.

    Args:
        split: its training and validation frames are divided into folds; its other sets stay as they are.
        fold: which of the folds validates, 0 up to num_folds − 1.
        num_folds: k.
        by_molecule: whether folds are of whole molecules instead of frames.
        seed: seed of the draw: the same for all folds.
    """

    def __init__(self, split: Split, fold: int, num_folds: int = 5, by_molecule: bool = False, seed: int = 0) -> None:
        _require_fold(self, fold, num_folds, seed)
        self.split = split
        self.fold = fold
        self.num_folds = num_folds
        self.by_molecule = by_molecule
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        whole = self.split.divide(store)
        pool = np.union1d(whole.train, whole.validation)
        unit = units(store, pool, self.by_molecule)
        num_units = int(unit.max()) + 1
        if num_units < self.num_folds:
            kind = "molecules" if self.by_molecule else "frames"
            problem = f"{num_units} {kind} to train on are too few for {self.num_folds} folds"
            raise SettingError(self, "num_folds", self.num_folds, f"more {kind}, or fewer folds", problem)
        validates = np.zeros(num_units, dtype=bool)
        validates[np.array_split(shuffled(num_units, self.seed), self.num_folds)[self.fold]] = True
        return replace(whole, train=pool[~validates[unit]], validation=pool[validates[unit]])


def _require_fold(owner: Split, fold: int, num_folds: int, seed: int) -> None:
    if num_folds < 2:
        raise SettingError(owner, "num_folds", num_folds, "2 or more")
    if not 0 <= fold < num_folds:
        raise SettingError(owner, "fold", fold, f"0 to {num_folds - 1}, one less than num_folds")
    require_not_negative(owner, seed=seed)
