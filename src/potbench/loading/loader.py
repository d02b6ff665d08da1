"""The loader of batches, which knows its place within an epoch."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import TypedDict

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from potbench.batch import Batch
from potbench.loading.collate import gather
from potbench.loading.sampler import GlobalBatchSampler
from potbench.loading.store import Store
from potbench.structures import FloatArray, IntArray


class Position(TypedDict):
    """How far training has come.

    Attributes:
        epoch: number of the epoch, from 0.
        batches: how many batches of it were trained on.
    """

    epoch: int
    batches: int


class BatchLoader(DataLoader[Batch]):
    """Gathers batches from a store; a resumed training sees the batches that it would have seen.

    Batches are counted when they were trained on, not when they are drawn: they are drawn ahead. Lightning saves the
    state of loaders that have one with every checkpoint, and restores it before it draws the first batch.

    Args:
        store: the dataset.
        sampler: draws the frames of each batch.
        position: returns how far training has come.
        weights: shape (frames of the store,), how much each frame counts in the loss; None where all count the same.
        num_workers: processes that gather batches.
    """

    batch_sampler: GlobalBatchSampler  # type: ignore[assignment]

    def __init__(
        self,
        store: Store,
        sampler: GlobalBatchSampler,
        position: Callable[[], Position],
        weights: FloatArray | None = None,
        num_workers: int = 0,
    ) -> None:
        self.position = position
        super().__init__(
            _Gathered(store, weights),
            batch_sampler=sampler,  # type: ignore[arg-type]
            collate_fn=_unchanged,  # type: ignore[arg-type]
            num_workers=num_workers,
            persistent_workers=num_workers > 0,
            worker_init_fn=_leave_signals,
        )

    def state_dict(self) -> Position:
        """Return the place within the epoch."""
        return self.position()

    def load_state_dict(self, state: Position) -> None:
        """Begin at a place within an epoch."""
        self.batch_sampler.begin_at(**state)


class _Gathered(Dataset[Batch]):
    """The frames of a store, which a DataLoader asks for many at once."""

    def __init__(self, store: Store, weights: FloatArray | None) -> None:
        self.store = store
        self.weights = weights

    def __getitems__(self, frames: IntArray) -> Batch:
        batch = gather(self.store, np.asarray(frames))
        return batch if self.weights is None else batch._replace(weight=torch.from_numpy(self.weights[frames]))


def _unchanged(batch: Batch) -> Batch:
    return batch


def _leave_signals(worker: int) -> None:
    """Leave signals to the main process, which ends its workers; one that was killed would end it with an error.

    A cluster sends SIGTERM to all processes, as does the main process to its workers when it ends: who sent it is seen.
    """
    for name in ("SIGINT", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_when_told, daemon=True).start()


def _end_when_told() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
