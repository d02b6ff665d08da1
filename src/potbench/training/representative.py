"""A part of the training set that stands for the whole."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potbench.batch import Batch
from potbench.loading import AtomsDataModule
from potbench.loading.collate import gather
from potbench.structures import IntArray

FRAMES_AT_ONCE = 256
MOST_FRAMES = 4096
"""That a few numbers for each element are fitted to: these need no more."""
FRAMES_OF_AN_ELEMENT = 64
"""Of them at least, where there are so many, so that rare elements are not missed."""


def representative_frames(data: AtomsDataModule) -> IntArray:
    """Return training frames evenly over the training set, with some for each element: shape (frames,)."""
    train: IntArray = data.indices.train
    if len(train) <= MOST_FRAMES:
        return train
    evenly = np.linspace(0, len(train) - 1, MOST_FRAMES).astype(np.int64)
    molecules, first = np.unique(data.store.molecule_of(train), return_index=True)
    holds = data.store.chunk_composition[molecules] > 0
    rare = [first[np.flatnonzero(column)[:FRAMES_OF_AN_ELEMENT]] for column in holds.T]
    frames: IntArray = train[np.unique(np.concatenate([evenly, *rare]))]
    return frames


def batches(data: AtomsDataModule, frames: IntArray) -> Iterator[Batch]:
    """Read frames in batches of a bounded size, in their order."""
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        yield gather(data.store, frames[start : start + FRAMES_AT_ONCE])


def representative_batches(data: AtomsDataModule) -> Iterator[Batch]:
    """Read the frames that stand for the training set, once somebody asks for the first."""
    yield from batches(data, representative_frames(data))
