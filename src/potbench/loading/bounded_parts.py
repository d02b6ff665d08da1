"""Frames in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator

from potbench.structures import IntArray

MOST_ATOMS = 4096
MOST_PAIRS = 2**20


def bounded_parts(atoms_per_frame: IntArray, most_frames: int | None = None) -> Iterator[slice]:
    """Yield slices of consecutive frames, bounded in atoms, in pairs of atoms within a frame, and in frames.

    A frame that exceeds a bound alone is a part of its own.

    Args:
        atoms_per_frame: shape (frames,).
        most_frames: frames in a part; None for no such bound.
    """
    start = atoms = pairs = 0
    for frame, count in enumerate(atoms_per_frame.tolist()):
        of_frame = count * (count - 1) // 2
        full = atoms + count > MOST_ATOMS or pairs + of_frame > MOST_PAIRS or frame - start == most_frames
        if full and frame > start:
            yield slice(start, frame)
            start, atoms, pairs = frame, 0, 0
        atoms += count
        pairs += of_frame
    if len(atoms_per_frame):
        yield slice(start, len(atoms_per_frame))
