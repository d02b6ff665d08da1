"""Frames of which no store can be made, whoever reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import Frames


def refuse_malformed(chunks: Iterable[Frames], name: str) -> Iterator[Frames]:
    """Yield the same chunks; raise DataFileError at the first whose arrays are not what `Frames` says, or not finite.

    Args:
        chunks: conformers of one molecule each.
        name: of the dataset, for the message.
    """
    start = 0
    for chunk in chunks:
        if problem := _other_shape(chunk):
            raise DataFileError(f"{name}: {problem} Change what reads it.")
        for label, rows in (("positions", chunk.positions), ("energies", chunk.energy), ("forces", chunk.forces)):
            if rows is None or np.isfinite(rows).all():
                continue
            frame = start + int(np.argwhere(~np.isfinite(rows))[0, 0])
            raise DataFileError(
                f"{name}: frame {frame} ({chunk.molecule}) has {label} that are no finite numbers. Expected finite "
                "ones. Correct the frame, or leave it out."
            )
        yield chunk
        start += len(chunk.energy)


def _other_shape(chunk: Frames) -> str | None:
    numbers, energy = np.asarray(chunk.atomic_numbers), np.asarray(chunk.energy)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
        given = f"shape {numbers.shape} and dtype {numbers.dtype}"
        return f"atomic_numbers of {chunk.molecule} have {given}. Expected numbers of shape (atoms,), for all frames."
    if energy.ndim != 1:
        return f"energy of {chunk.molecule} has shape {energy.shape}. Expected (frames,)."
    expected = len(energy), len(numbers), 3
    for label, rows in (("positions", chunk.positions), ("forces", chunk.forces)):
        if rows is not None and np.shape(rows) != expected:
            return (
                f"{label} of {chunk.molecule} have shape {np.shape(rows)}. Expected {expected}: of {expected[0]} "
                f"energies and {expected[1]} atomic numbers."
            )
    return None
