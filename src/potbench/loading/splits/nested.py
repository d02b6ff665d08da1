"""Training sets of growing size, each inside the next: learning curves."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative, require_positive
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class NestedSplit(Split):
    """Some training frames of another split, with all its validation and test frames.

    With the same seed, a smaller training set lies inside a larger one, as a learning curve needs.

    Args:
        split: the split whose training set is reduced.
        size: how many training frames.
        seed: seed of the order in which frames are added.
    """

    def __init__(self, split: Split, size: int, seed: int = 0) -> None:
        require_positive(self, size=size)
        require_not_negative(self, seed=seed)
        self.split = split
        self.size = size
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        whole = self.split.divide(store)
        if self.size > len(whole.train):
            raise SettingError(
                self,
                "size",
                self.size,
                "no more than there are",
                f"The split asks for {self.size} of {len(whole.train)} training frames",
            )
        order = np.random.default_rng(self.seed).permutation(whole.train)
        return whole._replace(train=np.sort(order[: self.size]))
