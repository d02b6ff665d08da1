"""Frames of a dataset class outside potbench, checked before any is stored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potbench.datasets.dataset import Dataset
from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.structures import Frames


def own_frames(dataset: Dataset) -> Iterator[Frames]:
    """Yield what a dataset reads.

    Args:
        dataset: of any class; those of potbench check what they read themselves, and know the place in the file.

    Raises:
        DataFileError: arrays of other shapes than those of `Frames`, numbers that are not finite, or impossible values.
    """
    start = 0
    for chunk in dataset.read():
        if dataset.code:
            where = f"{type(dataset).__name__}.read, molecule {chunk.molecule}"
            numbers = np.asarray(chunk.atomic_numbers)
            if numbers.dtype.kind not in "iuf":
                raise DataFileError(f"{where}: atomic numbers hold {numbers.dtype}, expected whole numbers.")
            check_frames(chunk._replace(atomic_numbers=numbers), where, start)
            start += len(chunk.energy)
        yield chunk
