"""Atoms in one place, in any frame that is prepared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import SYMBOLS, FloatArray, Frames

DISTANCE = 1e-3
# by how many places along the direction atoms in one place may be apart, which others can be between
BETWEEN = 3
# no plane or axis of a molecule is at right angles to it
DIRECTION = np.array([0.5257, 0.6931, 0.4931])


def refuse_same_place(chunks: Iterable[Frames], name: str) -> Iterator[Frames]:
    """Yield the same chunks; raise DataFileError at the first frame with two atoms in one place.

    Args:
        chunks: conformers of one molecule each.
        name: of the dataset, for the message.
    """
    start = 0
    for chunk in chunks:
        found = _in_one_place(chunk.positions)
        if found is not None:
            frame, *pair = found
            atoms = ", ".join(f"{atom} ({SYMBOLS[chunk.atomic_numbers[atom]]})" for atom in sorted(pair))
            raise DataFileError(
                f"{name}: frame {start + frame} ({chunk.molecule}) has atoms {atoms} in one place. Expected at least "
                f"{DISTANCE} Å between atoms. Remove the frame, or correct it."
            )
        yield chunk
        start += len(chunk.energy)


def _in_one_place(positions: FloatArray) -> tuple[int, int, int] | None:
    """Return a frame and two atoms of it that are in one place; None where there are none."""
    direction = DIRECTION.astype(positions.dtype)
    # few frames have atoms near each other along one direction, and distances are computed in these alone
    along = np.sort(positions @ direction, axis=1)
    near = np.flatnonzero((np.diff(along, axis=1) < DISTANCE).any(axis=1))
    some = positions[near].astype(np.float64)
    order = np.argsort(some @ DIRECTION, axis=1)
    some = np.take_along_axis(some, order[:, :, None], axis=1)
    for apart in range(1, min(BETWEEN, positions.shape[1] - 1) + 1):
        distance = np.linalg.norm(some[:, apart:] - some[:, :-apart], axis=2)
        found = np.argwhere(distance < DISTANCE)
        if len(found):
            frame, place = found[0].tolist()
            return int(near[frame]), int(order[frame, place]), int(order[frame, place + apart])
    return None
