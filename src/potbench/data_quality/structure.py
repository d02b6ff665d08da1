"""Atoms too close to each other, and atoms that left their molecule."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.sample import grouped
from potbench.loading import Store
from potbench.structures import IntArray

CLOSE = 0.5
APART = 3.0
# positions in bohr are outside
USUAL = (0.75, 1.35)


def distances(store: Store, frames: IntArray) -> list[Finding]:
    """Compute the distance of each atom to its nearest neighbor, relative to the sum of their covalent radii."""
    nearest, of_frame = [], []
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
    if not nearest:
        return [Finding("distances", Verdict.LOOK, "no frame has two atoms", "molecules")]
    relative, where = np.concatenate(nearest), np.concatenate(of_frame)
    median = float(np.median(relative))
    close = np.unique(where[relative < CLOSE])
    apart = np.unique(where[relative > APART])
    return [
        Finding(
            "unit of positions",
            Verdict.FINE if USUAL[0] < median < USUAL[1] else Verdict.WRONG,
            f"nearest neighbors are {median:.2f} bond lengths apart{_unit(median)}",
            f"about 1, between {USUAL[0]} and {USUAL[1]}",
        ),
        Finding(
            "atoms too close",
            Verdict.WRONG if len(close) else Verdict.FINE,
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


def _unit(median: float) -> str:
    if USUAL[0] < median < USUAL[1]:
        return ""
    if 1.4 < median < 2.6:
        return ": positions in bohr, read as Å?"
    return ": positions in nm, read as Å?" if 0.07 < median < 0.14 else ""


def _example(frames: IntArray) -> str:
    return f", such as {', '.join(map(str, frames[:3]))}" if len(frames) else ""
