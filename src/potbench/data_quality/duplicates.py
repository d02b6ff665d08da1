"""Frames that are in a dataset more than once."""

from __future__ import annotations

import numpy as np

from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.leakage import nearest_distances
from potbench.data_quality.sample import draw, grouped
from potbench.loading import Store
from potbench.structures import IntArray

NEAR = 1e-3
LARGEST_DIFFERENCE = 0.01
"""Of the labels of copies, in eV and eV/Å: what was computed twice differs by less."""
HALF = 500


def originals(store: Store) -> IntArray:
    """Return the first frame with the elements and, to the last bit, the positions of each: shape (frames,)."""
    hashes = np.empty(len(store), dtype=np.uint64)
    for group in grouped(store, np.arange(len(store))):
        bits = group.positions.reshape(len(group.frames), -1).view(np.uint64)
        bits = np.concatenate([bits, group.atomic_numbers.astype(np.uint64)], axis=1)
        # odd factors, and sums that wrap around: equal rows give equal sums in whatever order they are added
        factors = np.random.default_rng(0).integers(0, 2**63, bits.shape[1], dtype=np.uint64) | np.uint64(1)
        hashes[group.frames] = (bits * factors).sum(axis=1)
    _, first, group_of_frame = np.unique(hashes, return_index=True, return_inverse=True)
    original: IntArray = first[group_of_frame.reshape(-1)]
    return original


def exact(store: Store, original: IntArray) -> Finding:
    """Find frames that are copies of another, among all frames.

    Args:
        store: the dataset.
        original: shape (frames,), of `originals`.
    """
    copies = np.flatnonzero(original != np.arange(len(store)))
    example = f", such as that of frame {np.bincount(original[copies]).argmax()}" if len(copies) else ""
    return Finding(
        "copies",
        Verdict.LOOK if len(copies) else Verdict.FINE,
        f"{len(copies):,} of {len(store):,} frames are copies of another{example}",
        "none: in the training and the test set, they leak",
    )


def contradicting(store: Store, original: IntArray) -> Finding:
    """Find copies whose energy or forces are others, and what the file says to tell them apart.

    Args:
        store: the dataset.
        original: shape (frames,), of `originals`.
    """
    copies = np.flatnonzero(original != np.arange(len(store)))
    wrong = copies[[_differ(store, int(copy), int(original[copy])) for copy in copies]] if len(copies) else copies
    seen = f"{len(wrong):,} of {len(copies):,} copies have other labels"
    if len(wrong):
        one, other = int(original[wrong[0]]), int(wrong[0])
        seen += f", such as frames {one} and {other} ({store.energy[one]:.4f} and {store.energy[other]:.4f} "
        seen += f"{store.energy_unit})"
        columns = {**store.unread, **store.columns}
        apart = [name for name, values in columns.items() if (values[wrong] != values[original[wrong]]).all()]
        seen += f"; told apart by {', '.join(sorted(apart))}, which no potential here knows of" if apart else ""
    verdict = Verdict.WRONG if len(wrong) else Verdict.FINE
    return Finding("contradicting labels", verdict, seen, "the same labels for the same geometry")


def _differ(store: Store, one: int, other: int) -> bool:
    frames = np.array([one, other])
    if len(store.with_energy(frames)) == 2:
        first, second = store.energy[frames]
        # energies of files in float32 are rounded
        if abs(first - second) > LARGEST_DIFFERENCE + 2e-7 * abs(first):
            return True
    if store.forces is None or len(store.with_forces(frames)) < 2:
        return False
    forces = store.forces[store.atoms_of(frames).rows]
    half = len(forces) // 2
    return bool(np.abs(forces[:half] - forces[half:]).max() > LARGEST_DIFFERENCE)


def near(store: Store, seed: int) -> Finding:
    """Find frames that differ by less than NEAR in their interatomic distances, in two random halves of a sample."""
    frames = np.random.default_rng(seed).permutation(draw(store, 12 * HALF, seed))
    half = min(HALF, len(frames) // 2)
    distances = nearest_distances(store, frames[:half], frames[half:])
    alike = int((distances < NEAR).sum())
    return Finding(
        "near copies",
        Verdict.LOOK if alike > 0.01 * half else Verdict.FINE,
        f"{alike:,} of {half:,} frames have one within {NEAR:g} Å among {len(frames) - half:,} others",
        "few: in the training and the test set, they leak",
    )
