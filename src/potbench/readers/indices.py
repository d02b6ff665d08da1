"""Read text files that list frames by their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import IntArray


def listed(file: Path, separators: str = "") -> IntArray:
    """Read the whole numbers that a text file lists, one on each line, or all on one.

    Args:
        file: the file.
        separators: characters that may be between numbers, besides spaces.

    Returns:
        Shape (numbers,), int64.

    Raises:
        ValueError: it holds other text, or several columns.
        OverflowError: a number is too large.
        OSError: it cannot be read.
    """
    text = file.read_text(encoding="utf-8-sig").translate(dict.fromkeys(map(ord, separators), " "))
    if 1 < len(text.strip().splitlines()) < len(text.split()):
        raise ValueError("a line has several columns")
    return np.array(text.split(), dtype=np.int64)


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
        indices = listed(file) - first
    except (ValueError, OverflowError) as error:
        raise DataFileError(f"{file}: {error}. Expected the number of a frame on each line; fetch it again.") from error
    known = len(np.unique(indices[(indices >= 0) & (indices < num_frames)]))
    if not known or known < len(indices):
        raise DataFileError(
            f"{file} lists {known} of the frames {first} to {num_frames - 1 + first} in {len(indices)} lines. "
            "Expected one on each, none twice; fetch it again."
        )
    return indices
