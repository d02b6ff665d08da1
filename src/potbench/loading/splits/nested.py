"""Training sets of growing size, each inside the next: learning curves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from typing_extensions import override

from potbench.errors import SettingError, require_not_negative, require_positive
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class NestedSplit(Split):
    """Some training frames of another split, with all its test frames.

    With the same seed, a smaller training set lies inside a larger one, as a learning curve needs. Validation frames
    come on top of the training frames, as many as the other split has.

    Args:
        split: the split whose training set is reduced.
        size: how many training frames; None for as many as the split has.
        seed: seed of the order in which frames are added.
        validation_seed: None leaves the validation frames as they are. With a seed, the training frames are drawn from
            training and validation frames together, and the validation frames, by this seed, from what they leave.
    """

    def __init__(
        self, split: Split, size: int | None = None, seed: int = 0, validation_seed: int | None = None
    ) -> None:
        require_positive(self, size=size)
        require_not_negative(self, seed=seed, validation_seed=validation_seed or 0)
        self.split = split
        self.size = size
        self.seed = seed
        self.validation_seed = validation_seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        whole = self.split.divide(store)
        size = self.size or len(whole.train)
        if size > len(whole.train):
            raise SettingError(
                self,
                "size",
                self.size,
                "no more than there are",
                f"The split asks for {self.size} of {len(whole.train)} training frames",
            )
        if self.validation_seed is None:
            order = np.random.default_rng(self.seed).permutation(whole.train)
            return replace(whole, train=np.sort(order[:size]))
        both = np.union1d(whole.train, whole.validation)
        train = np.random.default_rng(self.seed).permutation(both)[:size]
        # other random numbers than those of the training frames, or it would draw the very next of them
        order = np.random.default_rng([self.validation_seed, 1]).permutation(both)
        validation = order[~np.isin(order, train)][: len(whole.validation)]
        return replace(whole, train=np.sort(train), validation=np.sort(validation))
