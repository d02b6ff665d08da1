"""Cross validation."""

from __future__ import annotations

import numpy as np

from potbench.loading.splits.groups import by_block
from potbench.loading.splits.random import shuffled
from potbench.loading.splits.sizes import KEY
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class KFold(Split):
    """One of k folds: every frame, or molecule, is tested by exactly one of them.

    Validation is drawn at random from what is not tested.

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
        if num_folds < 2 or not 0 <= fold < num_folds:
            raise ValueError(f"fold is {fold} of {num_folds}, expected 0 to num_folds − 1, of two or more. {KEY}fold.")
        if not 0 < validation < 1:
            raise ValueError(f"The validation fraction is {validation}, expected between 0 and 1. {KEY}validation.")
        self.fold = fold
        self.num_folds = num_folds
        self.validation = validation
        self.by_molecule = by_molecule
        self.seed = seed

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        if self.by_molecule:
            names, of_block = np.unique(store.molecule_names, return_inverse=True)
            num_units, kind = len(names), "molecules"
        else:
            num_units, kind = len(store), "frames"
        folds = np.array_split(shuffled(num_units, self.seed), self.num_folds)
        test = folds.pop(self.fold)
        others = np.concatenate(folds)
        # the folds stand in it one behind the other
        np.random.default_rng([self.seed, self.fold]).shuffle(others)
        num_validation = max(1, round(self.validation * len(others)))
        if num_units < self.num_folds or num_validation >= len(others):
            raise ValueError(
                f"{num_units} {kind} are too few for {self.num_folds} folds with {num_validation} for validation. "
                f"{KEY}num_folds."
            )
        parts = others[num_validation:], others[:num_validation], test
        if not self.by_molecule:
            return SplitIndices(*(np.sort(part) for part in parts))
        part_of_molecule = np.empty(num_units, dtype=np.int8)
        for number, part in enumerate(parts):
            part_of_molecule[part] = number
        return by_block(store, part_of_molecule[of_block])
