"""What the training set tells before any network is trained: reference energies and spreads."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from potbench.batch import Statistics
from potbench.errors import DataFileError
from potbench.loading.store import Store
from potbench.structures import IntArray
from potbench.units import ENERGY_UNITS

FRAMES_AT_ONCE = 100_000
FRAMES_FOR_UNIT = 1000
BINDING = 0.1
"""Share of its atoms' energies by which the energy of a molecule differs from their sum, at most."""


def training_statistics(
    store: Store, train: IntArray, reference_energies: Mapping[int, float] | None = None
) -> Statistics:
    """Return reference energies of the elements, and the spread of what remains without them.

    Least squares over the training set: min over ε of Σ (E − Σ_elements n ε)², solved by its normal equations in
    float64. Where all frames have one composition, the solution of least norm is taken, which gives that composition
    its mean energy.

    Args:
        store: the dataset.
        train: shape (frames,), frames of the training set.
        reference_energies: atomic number → energy in eV, of every element of the store; None for least squares.

    Raises:
        DataFileError: no training frame has an energy.
    """
    numbers = store.manifest.atomic_numbers
    labeled = store.with_energy(train)
    if not len(labeled):
        raise DataFileError(
            f"None of the {len(train):,} training frames of {store.manifest.name} has an energy. Expected some, which "
            "reference energies are fitted to."
        )
    if reference_energies is None:
        references = _least_squares(store, labeled)
    else:
        references = np.array([reference_energies[number] for number in numbers])
    residual_sum, residual_squares, force_squares, num_components = 0.0, 0.0, 0.0, 0
    # given references may leave much of the total, whose square would lose the digits of the spread
    first = store.energy[labeled[0]] - store.composition(labeled[:1], numbers)[0] @ references
    for start in range(0, len(labeled), FRAMES_AT_ONCE):
        frames = labeled[start : start + FRAMES_AT_ONCE]
        residual = store.energy[frames] - store.composition(frames, numbers) @ references - first
        residual_sum += residual.sum()
        residual_squares += (residual**2).sum()
    with_forces = store.with_forces(train) if store.forces is not None else train[:0]
    for start in range(0, len(with_forces), FRAMES_AT_ONCE):
        frames = with_forces[start : start + FRAMES_AT_ONCE]
        if store.forces is not None:
            forces = store.forces[store.atoms_of(frames).rows]
            force_squares += float((forces.astype(np.float64) ** 2).sum())
            num_components += forces.size
    variance = residual_squares / len(labeled) - (residual_sum / len(labeled)) ** 2
    return Statistics(
        reference_energies=dict(zip(numbers, references.tolist(), strict=True)),
        energy_spread=float(np.sqrt(max(variance, 0.0))),
        forces_rms=float(np.sqrt(force_squares / num_components)) if num_components else None,
        num_frames=len(train),
    )


def unit_of_references(store: Store, train: IntArray, reference_energies: Mapping[int, float]) -> str:
    """Return the unit of energy in which given reference energies add up to about the energies of molecules.

    Args:
        store: the dataset.
        train: shape (frames,), frames of the training set.
        reference_energies: atomic number → energy, of every element of the store.

    Returns:
        A unit of `potbench.units`; eV as well where they add up to the energies in none.
    """
    numbers = store.manifest.atomic_numbers
    frames = store.with_energy(train)[:FRAMES_FOR_UNIT]
    references = np.array([reference_energies[number] for number in numbers])
    of_atoms, total = float((store.composition(frames, numbers) @ references).sum()), float(store.energy[frames].sum())
    for unit, factor in ENERGY_UNITS.items():
        if abs(total - factor * of_atoms) <= BINDING * abs(total):
            return unit
    return "eV"


def _least_squares(store: Store, train: IntArray) -> np.ndarray:
    numbers = store.manifest.atomic_numbers
    # Energies are taken relative to the first, or the squares of −40,000 eV would lose the digits that matter.
    shift = float(store.energy[train[0]]) / int(store.composition(train[:1], numbers).sum())
    normal = np.zeros((len(numbers), len(numbers)))
    right = np.zeros(len(numbers))
    for start in range(0, len(train), FRAMES_AT_ONCE):
        frames = train[start : start + FRAMES_AT_ONCE]
        counts = store.composition(frames, numbers).astype(np.float64)
        normal += counts.T @ counts
        right += counts.T @ (store.energy[frames] - shift * counts.sum(axis=1))
    solution: np.ndarray = np.linalg.lstsq(normal, right, rcond=1e-12)[0]
    return solution + shift
