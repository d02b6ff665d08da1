"""Cross validation."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative
from potbench.loading.splits.groups import by_chunk
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
        if num_folds < 2:
            raise SettingError(self, "num_folds", num_folds, "2 or more")
        if not 0 <= fold < num_folds:
            raise SettingError(self, "fold", fold, f"0 to {num_folds - 1}, one less than num_folds")
        if not 0 < validation < 1:
            raise SettingError(self, "validation", validation, "a fraction between 0 and 1")
        require_not_negative(self, seed=seed)
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
