"""The frames that a potential predicts worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from potbench.structures import FloatArray, IntArray
from potbench.units import KCAL_PER_MOL, reported

NUM_ROWS = 20


def worst_frames(
    predictions: Mapping[str, FloatArray], molecules: Sequence[str], num_atoms: IntArray, energy_unit: str = "eV"
) -> list[dict[str, int | str | float]]:
    """Return the frames with the largest energy errors, the worst first: column → value.

    Args:
        predictions: frame, energy and predicted_energy of shape (frames,), energies in eV, and perhaps forces and
            predicted_forces of shape (components,) in eV/Å, in the order of the frames; unknown labels are NaN.
        molecules: name of the molecule of each frame.
        num_atoms: of each frame.
        energy_unit: unit of the energies, if not eV.
    """
    unit, size = reported(energy_unit)
    errors = (predictions["predicted_energy"] - predictions["energy"]) / size
    errors[np.isnan(predictions["energy"])] = 0.0
    largest = None
    if "forces" in predictions:
        components = np.abs(predictions["predicted_forces"].astype(np.float64) - predictions["forces"]) / KCAL_PER_MOL
        components[np.isnan(predictions["forces"])] = 0.0
        largest = np.maximum.reduceat(components, np.cumsum(3 * num_atoms) - 3 * num_atoms)
    # what is not finite is worst
    order = np.argsort(-np.nan_to_num(np.abs(errors), nan=np.inf), kind="stable")[:NUM_ROWS]
    rows = []
    for place in order:
        row: dict[str, int | str | float] = {
            "frame": int(predictions["frame"][place]),
            "molecule": str(molecules[place]),
            "atoms": int(num_atoms[place]),
            f"energy error ({unit})": _rounded(errors[place]),
            f"energy error ({unit}/atom)": _rounded(errors[place] / num_atoms[place]),
        }
        if largest is not None:
            row["largest force error (kcal/mol/Å)"] = _rounded(largest[place])
        rows.append(row)
    return rows


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
