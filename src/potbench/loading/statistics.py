"""What is learned from the training part before any network: reference energies and spreads."""

from __future__ import annotations

import numpy as np

from potbench.batch import Statistics
from potbench.loading.store import Store
from potbench.structures import SYMBOLS, IntArray

BLOCK = 100_000


def training_statistics(
    store: Store, train: IntArray, reference_energies: dict[str, float] | None = None
) -> Statistics:
    """Reference energies of the elements, and the spread of what is left.

    Least squares over the training part: min over ε of Σ (E − Σ_elements n ε)², solved by its normal equations in
    float64, block by block. Where all frames share one composition, the solution of least norm is taken, which gives
    that composition its mean energy.

    Args:
        store: the dataset.
        train: shape (frames,), frames of the training part.
        reference_energies: chemical symbol → energy in eV, where they are known; None for least squares.

    Raises:
        ValueError: the given reference energies lack an element.
    """
    numbers: list[int] = store.manifest["atomic_numbers"]
    if reference_energies is not None:
        missing = [SYMBOLS[number] for number in numbers if SYMBOLS[number] not in reference_energies]
        if missing:
            raise ValueError(
                f"data.init_args.reference_energies has no {', '.join(missing)}, "
                f"expected every element of the dataset: {', '.join(SYMBOLS[number] for number in numbers)}."
            )
        references = np.array([reference_energies[SYMBOLS[number]] for number in numbers])
    else:
        references = _least_squares(store, train, numbers)
    residual_sum, residual_squares, force_squares, num_components = 0.0, 0.0, 0.0, 0
    # given references may leave much of the total: its square would eat the digits of the spread
    first = store.energy[train[0]] - store.composition(train[:1], numbers)[0] @ references
    for start in range(0, len(train), BLOCK):
        frames = train[start : start + BLOCK]
        residual = store.energy[frames] - store.composition(frames, numbers) @ references - first
        residual_sum += residual.sum()
        residual_squares += (residual**2).sum()
        if store.forces is not None:
            forces = store.forces[store.atoms_of(frames).rows]
            force_squares += float((forces.astype(np.float64) ** 2).sum())
            num_components += forces.size
    variance = residual_squares / len(train) - (residual_sum / len(train)) ** 2
    return Statistics(
        reference_energies=dict(zip(numbers, references.tolist(), strict=True)),
        energy_spread=float(np.sqrt(max(variance, 0.0))),
        forces_rms=float(np.sqrt(force_squares / num_components)) if num_components else None,
        num_frames=len(train),
    )


def _least_squares(store: Store, train: IntArray, numbers: list[int]) -> np.ndarray:
    # Energies are taken relative to the first, or the squares of −40,000 eV would eat the digits that matter.
    shift = float(store.energy[train[0]]) / int(store.composition(train[:1], numbers).sum())
    normal = np.zeros((len(numbers), len(numbers)))
    right = np.zeros(len(numbers))
    for start in range(0, len(train), BLOCK):
        frames = train[start : start + BLOCK]
        counts = store.composition(frames, numbers).astype(np.float64)
        normal += counts.T @ counts
        right += counts.T @ (store.energy[frames] - shift * counts.sum(axis=1))
    solution: np.ndarray = np.linalg.lstsq(normal, right, rcond=1e-12)[0]
    return solution + shift
