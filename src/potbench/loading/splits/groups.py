"""Splits that keep alike frames together: all of a molecule, a composition, a scaffold, a cluster on one side."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from potbench.loading.splits.sizes import Sizes
from potbench.loading.splits.split import Split, SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import IntArray


class GroupSplit(Split):
    """Divides groups of frames, each whole, in random order.

    Fractions are of the frames, met as closely as whole groups allow; whole numbers are numbers of groups.

    Args:
        train: fraction of the frames (all three add up to 1), or how many groups (whole numbers).
        validation: likewise.
        test: likewise.
        seed: seed of the draw, independent of every other seed.
    """

    group = "groups"

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> None:
        self.sizes = Sizes.of(train, validation, test)
        self.seed = seed

    @abstractmethod
    def groups(self, store: Store) -> IntArray:
        """Which group each molecule of the store's table belongs to: shape (blocks,), 0 up to the last group."""

    def divide(self, store: Store) -> SplitIndices:  # noqa: D102
        of_block = self.groups(store)
        num_groups = int(of_block.max()) + 1
        order = np.random.default_rng(self.seed).permutation(num_groups)
        frames = np.bincount(of_block, weights=store.frames_per_block, minlength=num_groups).astype(np.int64)
        counted = self.sizes.counted
        ends = np.cumsum(self.sizes.counts(num_groups, self.group)) if counted else self._ends(frames[order])
        part_of_group = np.full(num_groups, -1, dtype=np.int8)
        for part, chosen in enumerate(np.split(order, ends)[:3]):
            part_of_group[chosen] = part
        return by_block(store, part_of_group[of_block])

    def _ends(self, frames: IntArray) -> tuple[int, int]:
        """Where groups of so many frames are cut: the middle of a group decides, and no part stays empty."""
        if len(frames) < 3:
            raise ValueError(
                f"The split keeps {self.group} whole, and there are {len(frames)}. Expected at least three. "
                "Change data.init_args.split."
            )
        middle = (np.cumsum(frames) - frames / 2) / frames.sum()
        train, validation = np.searchsorted(middle, np.cumsum(self.sizes)[:2])
        first = int(np.clip(train, 1, len(frames) - 2))
        return first, int(np.clip(validation, first + 1, len(frames) - 1))


class MoleculeSplit(GroupSplit):
    """All conformers of a molecule on one side: what a potential is worth on molecules it has never seen.

    Fractions are of the frames, met as closely as possible; whole numbers are numbers of molecules.
    """

    group = "molecules"

    def groups(self, store: Store) -> IntArray:  # noqa: D102
        return np.unique(store.molecule_names, return_inverse=True)[1]


class CompositionSplit(GroupSplit):
    """All isomers of a composition on one side.

    Fractions are of the frames, met as closely as possible; whole numbers are numbers of compositions.
    """

    group = "compositions"

    def groups(self, store: Store) -> IntArray:  # noqa: D102
        return np.unique(store.block_composition, axis=0, return_inverse=True)[1].reshape(-1)


def by_block(store: Store, part_of_block: IntArray) -> SplitIndices:
    """Split by the part of each molecule of the store's table: 0, 1, 2 for train, validation, test, −1 for none."""
    part = np.repeat(part_of_block, store.frames_per_block)
    parts: list[IntArray] = [np.flatnonzero(part == number).astype(index_dtype(len(store))) for number in range(3)]
    return SplitIndices(*parts)
