"""Splits that never divide a group of like frames: a molecule, a composition, a scaffold, a cluster."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from typing_extensions import override

from potbench.errors import require_not_negative
from potbench.loading.splits.sizes import SizedSplit
from potbench.loading.splits.split import SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import IntArray


class GroupSplit(SizedSplit):
    """Groups of frames, none of them divided, in random order.

    Fractions are of the frames, met as closely as whole groups allow; whole numbers are numbers of groups.

    Args:
        train: fraction of the frames (all three add up to 1), or how many groups (whole numbers).
        validation: likewise.
        test: likewise.
        seed: seed of the draw, independent of every other seed.
    """

    group = "groups"

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> None:
        super().__init__(train, validation, test)
        require_not_negative(self, seed=seed)
        self.seed = seed

    @abstractmethod
    def groups(self, store: Store) -> IntArray:
        """Return the group of each chunk of the store: shape (chunks,), 0 up to the last group."""

    @override
    def divide(self, store: Store) -> SplitIndices:
        of_chunk = self.groups(store)
        num_groups = int(of_chunk.max()) + 1
        order = np.random.default_rng(self.seed).permutation(num_groups)
        frames = np.bincount(of_chunk, weights=store.frames_per_chunk, minlength=num_groups).astype(np.int64)
        ends = np.cumsum(self.counts(num_groups, self.group)) if self.counted else self._ends(frames[order])
        set_of_group = np.full(num_groups, -1, dtype=np.int8)
        for number, chosen in enumerate(np.split(order, ends)[:3]):
            set_of_group[chosen] = number
        return by_chunk(store, set_of_group[of_chunk])

    def _ends(self, frames: IntArray) -> tuple[int, int]:
        """Return where groups of so many frames are cut: the middle of a group decides, and no set stays empty."""
        if len(frames) < 3:
            raise self.unsuitable(
                f"The split does not divide {self.group}, and there are {len(frames)}", "three or more"
            )
        middle = (np.cumsum(frames) - frames / 2) / frames.sum()
        train, validation = np.searchsorted(middle, np.cumsum([self.sizes["train"], self.sizes["validation"]]))
        first = int(np.clip(train, 1, len(frames) - 2))
        return first, int(np.clip(validation, first + 1, len(frames) - 1))


class MoleculeSplit(GroupSplit):
    """All conformers of a molecule in one set: tests how a potential performs on molecules it was not trained on.

    Fractions are of the frames, met as closely as possible; whole numbers are numbers of molecules.
    """

    group = "molecules"

    @override
    def groups(self, store: Store) -> IntArray:
        return np.unique(store.molecule_names, return_inverse=True)[1]


class CompositionSplit(GroupSplit):
    """All isomers of a composition in one set.

    Fractions are of the frames, met as closely as possible; whole numbers are numbers of compositions.
    """

    group = "compositions"

    @override
    def groups(self, store: Store) -> IntArray:
        return np.unique(store.chunk_composition, axis=0, return_inverse=True)[1].reshape(-1)


def by_chunk(store: Store, set_of_chunk: IntArray) -> SplitIndices:
    """Return the frames of whole chunks, whose sets are 0 for train, 1 for validation, 2 for test, −1 for none."""
    set_of_frame = np.repeat(set_of_chunk, store.frames_per_chunk)
    sets = [np.flatnonzero(set_of_frame == number).astype(index_dtype(len(store))) for number in range(3)]
    return SplitIndices(*sets)


def units(store: Store, frames: IntArray, by_molecule: bool) -> IntArray:
    """Return what is drawn when frames are drawn: the frames themselves, or their molecules.

    Args:
        store: the dataset.
        frames: shape (frames,).
        by_molecule: whether frames of one molecule stay together.

    Returns:
        Shape (frames,): the number of the unit of each frame, 0 up to the last unit.
    """
    if not by_molecule:
        return np.arange(len(frames))
    of_chunk = np.unique(store.molecule_names, return_inverse=True)[1]
    return np.unique(of_chunk[store.molecule_of(frames)], return_inverse=True)[1]
