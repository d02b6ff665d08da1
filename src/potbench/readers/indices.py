"""Read text files that list frames by their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import IntArray


def read_indices(file: Path, num_frames: int, first: int = 0) -> IntArray:
    """Read the frames that a file lists, one number on each line.

    Args:
        file: the file.
        num_frames: how many frames there are to choose from.
        first: number that the file gives the first of them.

    Returns:
        Indices of shape (frames,), counted from 0, int64.

    Raises:
        DataFileError: a line is no number, or a frame is listed twice or does not exist.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        if 1 < len(text.strip().splitlines()) < len(text.split()):
            raise ValueError("a line has several columns")
        indices = np.array(text.split(), dtype=np.int64) - first
    except (ValueError, OverflowError) as error:
        raise DataFileError(f"{file}: {error}. Expected the number of a frame on each line; fetch it again.") from error
    known = len(np.unique(indices[(indices >= 0) & (indices < num_frames)]))
    if not known or known < len(indices):
        raise DataFileError(
            f"{file} lists {known} of the frames {first} to {num_frames - 1 + first} in {len(indices)} lines. "
            "Expected one on each, none twice; fetch it again."
        )
    return indices
