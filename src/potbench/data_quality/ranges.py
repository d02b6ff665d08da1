"""Ranges of what a store holds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from potbench.loading import Store

CHUNK = 2**18
"""Frames, or rows of atoms, that are looked at together."""


def ranges(store: Store) -> dict[str, str]:
    """Return the ranges of atoms, energies and forces over all frames, each in words with its unit.

    Args:
        store: the dataset.
    """
    lowest, highest, atoms = np.inf, -np.inf, set[int]()
    for start, end in _chunks(len(store)):
        counts = store.atoms_of(np.arange(start, end)).atoms_per_frame
        per_atom = store.energy[start:end] / counts
        if store.energy_known is not None:
            per_atom = per_atom[store.energy_known[start:end]]
        lowest, highest = min(lowest, per_atom.min(initial=np.inf)), max(highest, per_atom.max(initial=-np.inf))
        atoms |= {int(counts.min()), int(counts.max())}
    unit = store.energy_unit
    found = {"Atoms": f"{min(atoms)} to {max(atoms)}", "Energy": f"{lowest:.4f} to {highest:.4f} {unit} per atom"}
    if store.forces is None:
        return {**found, "Forces": "none"}
    squares, largest = 0.0, 0.0
    for start, end in _chunks(len(store.forces)):
        length = np.square(np.asarray(store.forces[start:end], np.float64)).sum(axis=1)
        squares, largest = squares + float(length.sum()), max(largest, float(length.max()))
    rows = len(store.forces)
    if store.forces_known is not None:
        rows = int(store.atoms_of(np.flatnonzero(store.forces_known)).atoms_per_frame.sum())
    mean = (squares / max(1, rows) / 3) ** 0.5
    return {**found, "Forces": f"up to {largest**0.5:.3f} eV/Å; root mean square of components {mean:.3f} eV/Å"}


def _chunks(length: int) -> Iterator[tuple[int, int]]:
    for start in range(0, length, CHUNK):
        yield start, min(start + CHUNK, length)
