"""The split of a dataset's publisher."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class OfficialSplit(Split):
    """The split of the publisher; validation frames are drawn from its training set where it has none.

    Args:
        name: which of the splits, such as 01 of rMD17.
        validation: frames to draw from the official training set for validation, where the split has none.
        seed: seed of that draw.
    """

    def __init__(self, name: str, validation: int = 50, seed: int = 0) -> None:
        require_not_negative(self, seed=seed)
        self.name = name
        self.validation = validation
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        if self.name not in store.official_splits:
            known = ", ".join(store.official_splits) or "none"
            raise SettingError(
                self,
                "name",
                self.name,
                "one of those, or its files beside the others of the dataset",
                f"{store.manifest.name} has no official split {self.name!r}; there is {known}",
            )
        official = store.official_splits[self.name]
        if official.validation is not None:
            return SplitIndices(np.sort(official.train), np.sort(official.validation), np.sort(official.test))
        if not 1 <= self.validation < len(official.train):
            raise SettingError(
                self,
                "validation",
                self.validation,
                "at least 1 and fewer than there are",
                f"The split asks for {self.validation} validation frames out of {len(official.train)}",
            )
        drawn = np.random.default_rng(self.seed).permutation(official.train)
        return SplitIndices(
            np.sort(drawn[self.validation :]), np.sort(drawn[: self.validation]), np.sort(official.test)
        )
