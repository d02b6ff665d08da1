"""Training sets of growing size, each inside the next: learning curves."""

from __future__ import annotations

import numpy as np

from potbench.loading.splits.sizes import KEY
from potbench.loading.splits.split import Split, SplitIndices
from potbench.loading.store import Store


class NestedSplit(Split):
    """Some training frames of another split, with all its validation and test frames.

    With the same seed, a smaller set lies inside a larger one, so that a learning curve compares like with like.

    Args:
        split: the split whose training part is cut down.
        size: how many training frames.
        seed: seed of the order in which frames are added.
    """

    def __init__(self, split: Split, size: int, seed: int = 0) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, expected at least one training frame. {KEY}size.")
        self.split = split
        self.size = size
        self.seed = seed

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        parts = self.split.divide(store)
        if self.size > len(parts.train):
            raise ValueError(
                f"The split asks for {self.size} training frames of {len(parts.train)}. Expected no more than there "
                f"are. {KEY}size."
            )
        order = np.random.default_rng(self.seed).permutation(parts.train)
        return parts._replace(train=np.sort(order[: self.size]))
