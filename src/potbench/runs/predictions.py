"""What a test predicted, frame by frame: errors, and what these may not be independent of."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from potbench.data_quality.nearest import MOST_TRAINING, nearest_of_each
from potbench.loading import SplitIndices, Store
from potbench.structures import Column, FloatArray, IntArray
from potbench.units import KCAL_PER_MOL, reported

OF_FRAMES = (
    *("frame", "num_atoms", "molecule", "time", "test_set", "nearest", "energy", "predicted_energy", "energy_spread"),
    *("offset", "energy_error", "force_absolute_error", "force_squared_error"),
)
"""Names of arrays with a number for each frame."""
OF_ATOMS = ("atomic_numbers", "atomic_energies")
"""With one for each atom."""
OF_COMPONENTS = ("forces", "predicted_forces", "forces_spread")
"""With three for each atom."""


def annotate(
    predictions: Mapping[str, Column],
    store: Store,
    indices: SplitIndices,
    reference_energies: Mapping[int, float],
    trained_on: IntArray | None = None,
) -> dict[str, Column]:
    """Add to predictions what statistics need of each frame.

    offset: sum of the reference energies, in eV. num_atoms. energy_error: predicted − true, in eV. With forces,
    force_absolute_error and force_squared_error: sums over the components of a frame of |F̂ − F| in eV/Å and of (F̂ − F)²
    in (eV/Å)². Frames of one molecule, or near in time, are not independent: molecule is an index of molecules, the
    names, and time the place in a trajectory, where it is known. With named test sets, test_set is an index of
    test_sets, −1 for frames in none. With atomic_energies, atomic_numbers are those of the same atoms. Where training
    frames are known, nearest is the distance to the nearest of them in Å, as `nearest_of_each` finds it. Errors of
    labels that are not known are NaN.

    Args:
        predictions: frame, energy and predicted_energy of shape (frames,), in eV, and perhaps forces and
            predicted_forces of shape (components,), in eV/Å, and atomic_energies of shape (atoms,), in eV, in the order
            of the frames.
        store: the dataset.
        indices: how it is divided.
        reference_energies: atomic number → energy in eV.
        trained_on: frames of the store that were trained on; None where they are not known.
    """
    frames = predictions["frame"]
    numbers = store.manifest.atomic_numbers
    counts = store.composition(frames, numbers)
    names, of_chunk = np.unique(store.molecule_names, return_inverse=True)
    present, molecule = np.unique(of_chunk[store.molecule_of(frames)], return_inverse=True)
    found: dict[str, Column] = {
        **predictions,
        "offset": counts @ np.array([reference_energies[number] for number in numbers]),
        "num_atoms": counts.sum(axis=1),
        "energy_error": predictions["predicted_energy"] - predictions["energy"],
        "molecule": molecule.astype(np.int32),
        "molecules": names[present],
    }
    if store.time is not None:
        found["time"] = store.time[frames]
    if "forces" in predictions:
        found["force_absolute_error"], found["force_squared_error"] = force_errors(found)
    if "atomic_energies" in predictions:
        found["atomic_numbers"] = store.atoms_of(frames).atomic_numbers
    if trained_on is not None:
        found["nearest"] = nearest_of_each(store, frames, trained_on)
    if indices.test_sets:
        found["test_sets"] = np.array(list(indices.test_sets))
        found["test_set"] = np.full(len(frames), -1, dtype=np.int32)
        for number, chosen in enumerate(indices.test_sets.values()):
            found["test_set"][np.isin(frames, chosen)] = number
    return found


def force_errors(predictions: Mapping[str, Column]) -> tuple[FloatArray, FloatArray]:
    """Return the errors of forces, each of shape (frames,): absolute ones in eV/Å, and squares in (eV/Å)².

    They are sums over the components of a frame.

    Args:
        predictions: forces, predicted_forces and num_atoms.
    """
    error = predictions["predicted_forces"].astype(np.float64) - predictions["forces"]
    first = 3 * (np.cumsum(predictions["num_atoms"]) - predictions["num_atoms"])
    return np.add.reduceat(np.abs(error), first), np.add.reduceat(error**2, first)


def in_order(predictions: Mapping[str, Column]) -> dict[str, Column]:
    """Return predictions in the order of their frames, which several processes predict in turns.

    Args:
        predictions: as `annotate` returns them, or some of them, with frame and num_atoms.
    """
    order = np.argsort(predictions["frame"], kind="stable")
    rows = dict.fromkeys(OF_FRAMES, order)
    if not predictions.keys().isdisjoint((*OF_ATOMS, *OF_COMPONENTS)):
        counts = predictions["num_atoms"]
        first = (np.cumsum(counts) - counts)[order]
        counts = counts[order]
        atoms = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        components = (3 * atoms[:, None] + np.arange(3)).ravel()
        rows |= dict.fromkeys(OF_ATOMS, atoms) | dict.fromkeys(OF_COMPONENTS, components)
    return {name: predictions[name][rows[name]] if name in rows else predictions[name] for name in predictions}


def training_frames_compared(number: int) -> int:
    """Return to how many training frames distances were measured, of so many."""
    return min(number, MOST_TRAINING)


def of_test_set(predictions: Mapping[str, Column], name: str) -> dict[str, Column]:
    """Return the energies, forces and offsets of the frames of a named test set.

    Args:
        predictions: as `annotate` returns them.
        name: of the test set.
    """
    chosen = predictions["test_set"] == predictions["test_sets"].tolist().index(name)
    components = np.repeat(chosen, 3 * predictions["num_atoms"])
    of_frames = ("frame", "energy", "predicted_energy", "offset", "num_atoms")
    of_components = [each for each in ("forces", "predicted_forces") if each in predictions]
    return {each: predictions[each][chosen] for each in of_frames} | {
        each: predictions[each][components] for each in of_components
    }


def errors(predictions: Mapping[str, Column], energy_unit: str = "eV") -> dict[str, float]:
    """Return the errors of predictions, as the metrics of a test measure them, by their names.

    Args:
        predictions: frame, energy, predicted_energy, offset and num_atoms, and perhaps forces and predicted_forces;
            labels that are not known are NaN.
        energy_unit: unit of the energies, if not eV.
    """
    size = reported(energy_unit)[1]
    known = ~np.isnan(predictions["energy"])
    true = (predictions["energy"] - predictions["offset"])[known] / size
    error = (predictions["predicted_energy"] - predictions["energy"])[known] / size
    found = {}
    if known.any():
        found = {
            **_mae_and_rmse("energy", error),
            "energy_mae_per_atom": float(np.abs(error / predictions["num_atoms"][known]).mean()),
            "energy_r2": _r2(true, error),
        }
    if "forces" in predictions:
        difference = predictions["predicted_forces"].astype(np.float64) - predictions["forces"]
        components = difference[~np.isnan(predictions["forces"])] / KCAL_PER_MOL
        found |= _mae_and_rmse("forces", components) if len(components) else {}
    return found


def _mae_and_rmse(name: str, error: FloatArray) -> dict[str, float]:
    return {f"{name}_mae": float(np.abs(error).mean()), f"{name}_rmse": float(np.sqrt((error**2).mean()))}


def _r2(true: FloatArray, error: FloatArray) -> float:
    spread = float(((true - true.mean()) ** 2).sum())
    return 1 - float((error**2).sum()) / spread if spread else np.nan
