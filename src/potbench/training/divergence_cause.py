"""Why a training has diverged: its data, or its learning rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from potbench.batch import Batch
from potbench.loading.collate import gather
from potbench.loading.store import Store
from potbench.structures import SYMBOLS, FloatArray, IntArray

ONE_PLACE = 0.2
"""Distance in Å below which two atoms are in one place: H₂ at 0.5 Å is a point of a dissociation curve."""


def likely_cause(
    store: Store, frames: IntArray, is_out_of_range: Callable[[Batch], np.ndarray], *, trained: bool
) -> str:
    """Return why the loss of some frames left every reasonable range, and what to do, as sentences.

    Args:
        store: the dataset.
        frames: shape (frames,), those of the batch and of the one before it, whose update may have spoiled the weights.
        is_out_of_range: batch → whether the labels of each frame are out of range already for the offset.
        trained: whether the weights were updated before.
    """
    remove = "Remove the frame, or correct it: `python -m potbench data check` looks for such frames."
    for frame in frames.tolist():
        found = _in_structure(store, frame)
        if found:
            return f"Likely cause: {found} of frame {frame} ({_name(store, frame)}). {remove}"
    far = frames[is_out_of_range(gather(store, frames))]
    if len(far):
        return (
            f"Likely cause: energy or forces of frame {far[0]} ({_name(store, int(far[0]))}) are out of range. {remove}"
        )
    if not trained:
        return (
            "Likely cause: the potential, whose weights were not updated yet. Lower its scale, or leave it to the "
            "dataset; with weights of another run, take one that was trained on such frames."
        )
    return "Likely cause: the learning rate. Lower it: max_lr of the schedule, or lr of the optimizer."


def _in_structure(store: Store, frame: int) -> str | None:
    atoms = store.atoms_of(np.array([frame]))
    positions: FloatArray = store.positions[atoms.rows].astype(np.float64)
    if not np.isfinite(store.energy[np.array([frame])]).all():
        return "the energy, which is no finite number,"
    if store.forces is not None and not np.isfinite(store.forces[atoms.rows]).all():
        return "the forces, which are not finite,"
    if not np.isfinite(positions).all():
        return "the positions, which are not finite,"
    first, second = np.triu_indices(len(positions), k=1)
    distances = np.linalg.norm(positions[first] - positions[second], axis=1)
    if not len(distances) or distances.min() >= ONE_PLACE:
        return None
    closest = int(distances.argmin())
    one, other = int(first[closest]), int(second[closest])
    symbols = [SYMBOLS[atoms.atomic_numbers[atom]] for atom in (one, other)]
    return f"two atoms in one place, {one} ({symbols[0]}) and {other} ({symbols[1]}), {distances[closest]:.3f} Å apart,"


def _name(store: Store, frame: int) -> str:
    return str(store.molecule_names[store.molecule_of(np.array([frame]))[0]])
