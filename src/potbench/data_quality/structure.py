"""Atoms too close to each other, and atoms that left their molecule."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.sample import grouped
from potbench.loading import Store
from potbench.structures import IntArray

CLOSE = 0.5
# no scan of a bond goes there
IMPOSSIBLE = 0.25
APART = 3.0
# positions in bohr are outside
USUAL = (0.75, 1.35)
UNITS = {"bohr": (1.4, 2.6), "nm": (0.07, 0.14)}
NOBLE = (2, 10, 18, 36, 54, 86)


def distances(store: Store, frames: IntArray) -> list[Finding]:
    """Compute the distance of each atom to its nearest neighbor, relative to the sum of their covalent radii."""
    nearest, of_frame, numbers = [], [], []
    for group in grouped(store, frames):
        num_atoms = group.positions.shape[1]
        if num_atoms < 2:
            continue
        first, second = np.triu_indices(num_atoms, k=1)
        length = np.linalg.norm(group.positions[:, first] - group.positions[:, second], axis=2)
        radii = covalent_radii[group.atomic_numbers]
        relative = length / (radii[:, first] + radii[:, second])
        table = np.full((len(group.frames), num_atoms, num_atoms), np.inf)
        table[:, first, second] = table[:, second, first] = relative
        nearest.append(table.min(axis=2).ravel())
        of_frame.append(np.repeat(group.frames, num_atoms))
        numbers.append(group.atomic_numbers.ravel())
    if not nearest:
        return [Finding("distances", Verdict.LOOK, "no frame has two atoms", "molecules")]
    relative, where = np.concatenate(nearest), np.concatenate(of_frame)
    bonded = np.isin(where, _lowest(store, np.unique(where))) & ~np.isin(np.concatenate(numbers), NOBLE)
    median = float(np.median(relative[bonded])) if bonded.any() else 1.0
    # far from a minimum, a scan looks like another unit; all of its frames do not
    both = (median, float(np.median(relative)))
    scanned = max(store.atoms_of(frames).atoms_per_frame) < 3  # at any length
    unit = next((name for name, (low, high) in UNITS.items() if all(low < value < high for value in both)), None)
    close = np.unique(where[relative < CLOSE])
    apart = np.unique(where[relative > APART])
    return [
        Finding(
            "unit of positions",
            Verdict.FINE if USUAL[0] < median < USUAL[1] else Verdict.WRONG if unit and not scanned else Verdict.LOOK,
            f"where energies are lowest, nearest neighbors are {median:.2f} bond lengths apart"
            + (f": positions in {unit}, read as Å?" if unit else ""),
            f"about 1, between {USUAL[0]} and {USUAL[1]}",
        ),
        Finding(
            "atoms too close",
            Verdict.WRONG if relative.min() < IMPOSSIBLE else Verdict.LOOK if len(close) else Verdict.FINE,
            f"{len(close):,} of {len(frames):,} frames{_example(close)}; closest {relative.min():.2f} bond lengths",
            f"none below {CLOSE:g} bond lengths",
        ),
        Finding(
            "atoms flown apart",
            Verdict.LOOK if len(apart) else Verdict.FINE,
            f"{len(apart):,} of {len(frames):,} frames{_example(apart)}; farthest {relative.max():.2f} bond lengths",
            f"none above {APART:g} bond lengths",
        ),
    ]


def _lowest(store: Store, frames: IntArray) -> IntArray:
    """Return the frame of lowest energy of each molecule: bonds that a scan breaks are whole there."""
    _, composition = np.unique(store.chunk_composition, axis=0, return_inverse=True)
    of_frame = composition.reshape(-1)[store.molecule_of(frames)]
    order = np.lexsort((np.asarray(store.energy)[frames], of_frame))
    return np.asarray(frames[order][np.unique(of_frame[order], return_index=True)[1]])


def _example(frames: IntArray) -> str:
    return f", such as {', '.join(map(str, frames[:3]))}" if len(frames) else ""
