"""Which frames are in a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler
from typing_extensions import override

from potbench.errors import SettingError
from potbench.structures import IntArray

MOST_ATOMS = 32
"""Atoms per frame of an evaluation batch of full size; ANI-1, MD17, QM9 and their like have at most 29."""


class GlobalBatchSampler(Sampler[IntArray]):
    """Batches drawn for all processes together; each process takes its share of every batch.

    The global batches depend on seed and epoch alone, so that one process and eight see the same batches, and a
    resumed run sees those that it would have seen. No frame is dropped and none is drawn twice in an epoch: the
    frames are cut into ⌈frames / batch_size⌉ batches of equal size, give or take one.

    Args:
        frames: shape (frames,), what to draw from.
        batch_size: largest number of frames in a batch, over all processes.
        seed: seed of the order, or None for the order given.
        rank: number of this process.
        world_size: how many processes there are.
        repeats: whether all epochs have the order of the first.

    Raises:
        SettingError: some process would get no frame of a batch.
    """

    def __init__(
        self,
        frames: IntArray,
        batch_size: int,
        seed: int | None = None,
        rank: int = 0,
        world_size: int = 1,
        repeats: bool = False,
    ) -> None:
        self.frames = frames
        self.num_batches = math.ceil(len(frames) / batch_size)
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.repeats = repeats
        self.epoch = 0
        self._first_epoch, self._first_batch = 0, 0
        if len(frames) // self.num_batches < world_size:
            raise SettingError(
                self,
                "batch_size",
                batch_size,
                "a frame of each batch for each of them: larger batches or fewer processes",
                f"{len(frames)} frames in batches of {batch_size} leave some of {world_size} processes without any",
            )

    @property
    def sampler(self) -> GlobalBatchSampler:
        """Return itself: Lightning tells the epoch to the sampler within a batch sampler, not to the batch sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; Lightning calls this."""
        self.epoch = epoch

    def begin_at(self, epoch: int, batches: int) -> None:
        """Begin behind some batches of an epoch; later epochs are drawn whole.

        Args:
            epoch: number of the epoch; workers draw from it before Lightning says which one it is.
            batches: how many batches of it are left out; all of them begin the next epoch.
        """
        self._first_epoch, self._first_batch = divmod(epoch * self.num_batches + batches, self.num_batches)
        self.epoch = self._first_epoch

    def __len__(self) -> int:
        return self.num_batches

    def size(self, number: int) -> int:
        """Return the frames in a batch of this number, over all processes."""
        start, end = self._edges(number)
        return end - start

    def _edges(self, number: int) -> tuple[int, int]:
        num_frames = len(self.frames)
        return num_frames * number // self.num_batches, num_frames * (number + 1) // self.num_batches

    def __iter__(self) -> Iterator[IntArray]:
        order = self.frames
        if self.seed is not None:
            epoch = 0 if self.repeats else self.epoch
            order = np.random.default_rng([self.seed, epoch]).permutation(order)
        first = self._first_batch if self.epoch == self._first_epoch else 0
        for number in range(first, self.num_batches):
            start, end = self._edges(number)
            yield order[start:end][self.rank :: self.world_size]


class EvaluationSampler(GlobalBatchSampler):
    """Batches in the order given, with fewer frames where these are large, so that they fit into memory.

    Batches are those of a GlobalBatchSampler; one with more than `batch_size` × MOST_ATOMS atoms is halved until none
    has more, or its halves would leave a process without a frame.

    Args:
        frames: shape (frames,), what to draw from.
        atoms_per_frame: shape (frames,).
        batch_size: largest number of frames in a batch, over all processes.
        rank: number of this process.
        world_size: how many processes there are.

    Raises:
        SettingError: some process would get no frame of a batch.
    """

    def __init__(
        self, frames: IntArray, atoms_per_frame: IntArray, batch_size: int, rank: int = 0, world_size: int = 1
    ) -> None:
        super().__init__(frames, batch_size, None, rank, world_size)
        atoms_before = np.concatenate([[0], np.cumsum(atoms_per_frame)])
        starts: list[int] = []

        def add(start: int, end: int) -> None:
            middle = (start + end) // 2
            if atoms_before[end] - atoms_before[start] > batch_size * MOST_ATOMS and middle - start >= world_size:
                add(start, middle)
                add(middle, end)
            else:
                starts.append(start)

        for number in range(self.num_batches):
            add(*super()._edges(number))
        self._starts = [*starts, len(frames)]
        self.num_batches = len(starts)

    @override
    def _edges(self, number: int) -> tuple[int, int]:
        return self._starts[number], self._starts[number + 1]
