"""The split of a dataset's publisher."""

from __future__ import annotations

import numpy as np

from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class OfficialSplit(Split):
    """The split that the dataset's publisher gives; validation is drawn from its training part where it names none.

    Args:
        name: which of the splits, such as 01 of rMD17.
        validation: frames to draw from the official training part for validation, where it names none.
        seed: seed of that draw.
    """

    def __init__(self, name: str, validation: int = 50, seed: int = 0) -> None:
        self.name = name
        self.validation = validation
        self.seed = seed

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        if self.name not in store.official_splits:
            there = ", ".join(store.official_splits) or "none"
            raise ValueError(
                f"{store.manifest.get('name')} has no official split {self.name!r}; there is {there}. "
                "Change data.init_args.split.init_args.name, or put the files of the split beside the others."
            )
        official = store.official_splits[self.name]
        if official.validation is not None:
            return SplitIndices(np.sort(official.train), np.sort(official.validation), np.sort(official.test))
        if not 1 <= self.validation < len(official.train):
            raise ValueError(
                f"The split asks for {self.validation} frames of validation out of {len(official.train)}, expected at "
                "least 1 and fewer than there are. Change data.init_args.split.init_args.validation."
            )
        drawn = np.random.default_rng(self.seed).permutation(official.train)
        return SplitIndices(
            np.sort(drawn[self.validation :]), np.sort(drawn[: self.validation]), np.sort(official.test)
        )
