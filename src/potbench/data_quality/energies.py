"""Outliers among energies, and energies in another unit than eV."""

from __future__ import annotations

import numpy as np

from potbench.data_quality.finding import Finding, Verdict
from potbench.loading import Store
from potbench.structures import FloatArray
from potbench.units import ENERGY_UNITS, HARTREE

FAR = 15.0
# total energies of molecules differ from those of free atoms by a few thousandths, the error of the formula included
TOTAL = (0.97, 1.03)


def outliers(store: Store) -> Finding:
    """Find energies far from the median of their composition, in robust standard deviations, among all frames."""
    composition = np.unique(store.chunk_composition, axis=0, return_inverse=True)[1].reshape(-1)
    of_frame = np.repeat(composition, store.frames_per_chunk)
    energy = np.asarray(store.energy)
    if store.energy_known is not None:
        of_frame, energy = of_frame[store.energy_known], energy[store.energy_known]
    residual = energy - _medians(energy, of_frame)[of_frame]
    # the standard deviation of a normal distribution over its median absolute deviation
    spread = 1.4826 * _medians(np.abs(residual), of_frame)[of_frame]
    far = np.flatnonzero(np.abs(residual) > FAR * np.where(spread > 0, spread, np.inf))
    worst = far[np.argsort(-np.abs(residual[far]))][:3]
    number = np.arange(len(store)) if store.energy_known is None else np.flatnonzero(store.energy_known)
    named = ", ".join(f"{number[frame]} ({residual[frame]:+.2f} eV)" for frame in worst)
    example = f"; farthest {named}" if len(far) else ""
    return Finding(
        "energy outliers",
        Verdict.LOOK if len(far) else Verdict.FINE,
        f"{len(far):,} of {len(store):,} frames{example}",
        f"few beyond {FAR:g} deviations from the median of their composition",
    )


def plausible(store: Store) -> Finding:
    """Compare total energies with those of the free atoms: another unit shows as a factor.

    E(Z) ≈ −0.76874 Z^(7/3) + 0.5 Z² − 0.26990 Z^(5/3) hartree, within one percent from carbon on.

    Source: Schwinger, Phys. Rev. A 22, 1827 (1980), doi:10.1103/PhysRevA.22.1827.
    """
    name, expected = "unit of energies", f"total energies, {TOTAL[0]:g} to {TOTAL[1]:g} times those of free atoms"
    if store.energy_unit != "eV":
        return Finding(name, Verdict.FINE, f"no energies: another property, in {store.energy_unit}", expected)
    numbers = np.array([*store.manifest.atomic_numbers, 0], dtype=np.float64)
    free = (-0.76874 * numbers ** (7 / 3) + 0.5 * numbers**2 - 0.26990 * numbers ** (5 / 3)) * HARTREE
    of_chunk = store.chunk_composition @ free
    starts = np.cumsum(store.frames_per_chunk) - store.frames_per_chunk
    filled = store.frames_per_chunk > 0
    known = store.frames_per_chunk[filled]
    if store.energy_known is not None:
        known = np.add.reduceat(store.energy_known.astype(np.int64), starts[filled])
        filled[filled] = known > 0
        known = known[known > 0]
    # energies that are unknown are 0
    means = np.add.reduceat(np.asarray(store.energy), starts[filled]) / known
    ratio = float((means * of_chunk[filled]).sum() / (of_chunk[filled] ** 2).sum())
    if TOTAL[0] < ratio < TOTAL[1]:
        return Finding(name, Verdict.FINE, f"{ratio:.4f} times the energies of free atoms", expected)
    for unit, factor in ENERGY_UNITS.items():
        if unit != "eV" and TOTAL[0] < ratio * factor < TOTAL[1]:
            return Finding(
                name, Verdict.WRONG, f"{ratio:.4g} times those of free atoms: in {unit}, not in eV", expected
            )
    if abs(ratio) < 0.03:
        return Finding(name, Verdict.LOOK, f"{ratio:.2g} times those of free atoms: offsets are removed", expected)
    return Finding(
        name, Verdict.LOOK, f"{ratio:.3g} times those of free atoms: effective core potentials, or a unit", expected
    )


def _medians(values: FloatArray, group: np.ndarray) -> FloatArray:
    """Return the median of each group: shape (groups,); of an even number, the lower of the middle two."""
    order = np.lexsort((values, group))
    counts = np.bincount(group)
    ends = np.cumsum(counts)
    medians = np.full(len(counts), np.nan)
    filled = counts > 0
    medians[filled] = values[order[(ends - counts + (counts - 1) // 2)[filled]]]
    return medians
