"""Rows of a large .npy file, drawn at random without filling the memory."""

from __future__ import annotations

import io
import os
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from potbench.structures import FloatArray, IntArray

LARGE = 2**26
PAGE = 4096


class LargeRows(np.memmap[Any, np.dtype[Any]]):
    """A memory-mapped array whose rows are read from the file where they are drawn by an array of integers.

    A row that is read through the mapping maps the 64 KiB around it: a random batch of 2048 frames would seem to hold
    128 MiB of every array, and releasing these takes five times as long as reading the rows alone. The page cache is
    used either way, and shared between processes. Slices and all else work as with any memory-mapped array.
    """

    file: io.FileIO | None = None

    @classmethod
    def open(cls, path: Path) -> FloatArray:
        """Map an .npy file for reading; one of up to 64 MiB becomes an ordinary memory-mapped array.

        Raises:
            ValueError: the file is not an .npy file, or is cut short.
        """
        mapped: FloatArray = np.load(path, mmap_mode="r", allow_pickle=False)
        if mapped.nbytes <= LARGE or not hasattr(os, "pread"):
            return mapped
        rows = mapped.view(cls)
        rows.file = io.FileIO(path)
        return rows

    @override
    def __getitem__(self, index: Any) -> Any:
        # what is not an array of integers of shape (rows,) is left to numpy
        drawn = isinstance(index, np.ndarray) and index.ndim == 1 and np.issubdtype(index.dtype, np.integer)
        if self.file is None or not drawn or not len(index):
            return super().__getitem__(index)
        if index.min() < 0 or index.max() >= len(self):
            raise IndexError(f"Rows {index.min()} to {index.max()} were asked for, expected 0 to {len(self) - 1}.")
        return self._read(index.astype(np.int64))

    def _read(self, index: IntArray) -> FloatArray:
        assert self.file is not None
        size = self.strides[0]
        # rows close to each other are read at once, with those between
        step = np.diff(index, prepend=index[0])
        starts_piece = (step < 0) | (step > PAGE // size)
        starts_piece[0] = True
        starts = np.flatnonzero(starts_piece)
        first = index[starts]
        lengths = index[np.append(starts[1:], len(index)) - 1] - first + 1
        descriptor, places = self.file.fileno(), first * size + self.offset
        pieces = map(os.pread, repeat(descriptor), (lengths * size).tolist(), places.tolist())
        read = np.frombuffer(bytearray().join(pieces), self.dtype).reshape(-1, *self.shape[1:])
        shift = first - (np.cumsum(lengths) - lengths)
        found: FloatArray = read[index - shift[np.cumsum(starts_piece) - 1]]
        return found
