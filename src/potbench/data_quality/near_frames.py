"""Frames of one molecule, among which are near ones, wherever they lie in a store."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potbench.loading import Store
from potbench.structures import IntArray

FRAMES_OF_A_MOLECULE = 1000
MOLECULES = 20
SHORT = 100
"""Frames of a chunk below which it is joined with others of its molecule: where molecules alternate, each is one."""
MOST_JOINED = 200_000
"""Short chunks that are looked at."""


def of_molecules(store: Store, seed: int) -> Iterator[IntArray]:
    """Yield frames of some molecules, three or more of each: their indices, ascending.

    Args:
        store: the dataset.
        seed: seed of the draw.
    """
    random = np.random.default_rng(seed)
    starts = np.cumsum(store.frames_per_chunk) - store.frames_per_chunk
    short = np.flatnonzero(store.frames_per_chunk < SHORT)
    if len(short) > MOST_JOINED:
        first = int(random.integers(0, len(short) - MOST_JOINED + 1))
        short = short[first : first + MOST_JOINED]
    long = np.flatnonzero(store.frames_per_chunk >= SHORT)
    several = [*long[:, None], *_joined(store, short, starts[short])]
    if not several:
        return
    counts = np.array([store.frames_per_chunk[chunks].sum() for chunks in several])
    # those with the most frames have the nearest neighbors
    for drawn in random.choice(len(several), min(MOLECULES, len(several)), replace=False, p=counts / counts.sum()):
        count = int(counts[drawn])
        # consecutive frames of a trajectory are nearest
        first = int(random.integers(0, max(1, count - FRAMES_OF_A_MOLECULE + 1)))
        chunks = several[drawn]
        lengths = store.frames_per_chunk[chunks]
        frames = np.repeat(starts[chunks] - np.cumsum(lengths) + lengths, lengths) + np.arange(count)
        yield frames[first : first + FRAMES_OF_A_MOLECULE]


def _joined(store: Store, chunks: IntArray, first_frames: IntArray) -> list[IntArray]:
    """Return the chunks of each molecule, its atoms in one order, of which there are three frames or more."""
    if not len(chunks):
        return []
    atoms = store.atoms_of(first_frames)
    begins = np.cumsum(atoms.atoms_per_frame) - atoms.atoms_per_frame
    within = np.arange(len(atoms.rows)) - np.repeat(begins, atoms.atoms_per_frame)
    # odd factors, and sums that wrap around: a number for the elements in their order
    factors = np.random.default_rng(0).integers(0, 2**63, within.max() + 2, dtype=np.uint64) | np.uint64(1)
    elements = np.add.reduceat(atoms.atomic_numbers.astype(np.uint64) * factors[within], begins)
    names = np.unique(store.molecule_names[chunks], return_inverse=True)[1].astype(np.uint64)
    which = np.unique(elements + names * factors[-1], return_inverse=True)[1]
    enough = np.bincount(which, store.frames_per_chunk[chunks])[which] >= 3
    if not enough.any():
        return []
    chunks, which = chunks[enough], which[enough]
    order = np.argsort(which, kind="stable")
    return np.split(chunks[order], np.flatnonzero(np.diff(which[order])) + 1)
