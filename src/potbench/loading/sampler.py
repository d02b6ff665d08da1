"""Which frames stand together in a batch."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Sampler

from potbench.structures import IntArray


class GlobalBatchSampler(Sampler[IntArray]):
    """Batches drawn for all processes together; each process takes its share of every batch.

    The global batches depend on seed and epoch alone, so that one process and eight see the same batches, and a
    resumed run goes on with those it would have seen. No frame is dropped and none is drawn twice in an epoch: the
    frames are cut into ⌈frames / batch_size⌉ batches of equal size, give or take one.

    Args:
        frames: shape (frames,), what to draw from.
        batch_size: largest number of frames in a batch, over all processes.
        seed: seed of the order, or None for the order given.
        rank: number of this process.
        world_size: how many processes there are.

    Raises:
        ValueError: some process would get no frame of a batch.
    """

    def __init__(
        self, frames: IntArray, batch_size: int, seed: int | None = None, rank: int = 0, world_size: int = 1
    ) -> None:
        self.frames = frames
        self.num_batches = math.ceil(len(frames) / batch_size)
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        if len(frames) // self.num_batches < world_size:
            raise ValueError(
                f"{len(frames)} frames in batches of {batch_size} leave some of {world_size} processes without work. "
                "Expected a batch of at least one frame for each. Increase data.init_args.batch_size."
            )

    @property
    def sampler(self) -> GlobalBatchSampler:
        """Itself: Lightning tells the epoch to the sampler within a batch sampler, not to the batch sampler."""
        return self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        return self.num_batches

    def size(self, number: int) -> int:
        """Frames in a batch of this number, over all processes."""
        start, end = self._edges(number)
        return end - start

    def _edges(self, number: int) -> tuple[int, int]:
        num_frames = len(self.frames)
        return num_frames * number // self.num_batches, num_frames * (number + 1) // self.num_batches

    def __iter__(self) -> Iterator[IntArray]:
        order = self.frames
        if self.seed is not None:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(order)
        for number in range(self.num_batches):
            start, end = self._edges(number)
            yield order[start:end][self.rank :: self.world_size]
