"""Spreads of an ensemble beside its errors: what calibrates them, and how well they describe the errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from potbench.loading import Store
from potbench.loading.collate import gather
from potbench.potentials.ensemble import Ensemble
from potbench.statistics.calibration import (
    FEWEST_MEMBERS,
    Calibration,
    Uncertainties,
    calibration,
    from_spreads,
    scale_factor,
)
from potbench.structures import Column, IntArray, bounded_parts
from potbench.training.compared import compared
from potbench.units import KCAL_PER_MOL, reported

QUANTITIES = ("energy", "forces")
NUMBERS = {
    "factor": "Factor of the spread",
    "coverage_68": "Inside intervals of 68 %",
    "coverage_95": "Inside intervals of 95 %",
    "miscalibration_area": "Miscalibration area",
    "nll": "Negative log likelihood",
    "crps": "CRPS",
    "sharpness": "RMS spread (sharpness)",
    "mean_z2": "Mean (error / spread)²",
    "spearman": "Rank correlation of |error| and spread",
    "mae": "MAE",
    "mae_without_uncertain": "MAE without the most uncertain 10 %",
}
"""Of `Calibration`, as tables name them."""
IN_UNITS = ("crps", "sharpness", "mae", "mae_without_uncertain")


@dataclass(frozen=True)
class SpreadFound:
    """How well the spreads of an ensemble describe its errors.

    Args:
        unit: of errors and spreads.
        values: how many were compared.
        before: with the standard deviation of the members itself.
        after: calibrated; None where it is not.
    """

    unit: str
    values: int
    before: Calibration
    after: Calibration | None


def factors_of(ensemble: Ensemble, store: Store, frames: IntArray) -> dict[str, float]:
    """Return the factors that make spreads as large as errors, of energy and forces, as far as there are labels.

    Args:
        ensemble: on any device, in evaluation mode.
        store: the dataset.
        frames: shape (frames,), that no member trained on; empty for none.

    Returns:
        energy and forces → factor; nothing for fewer than four members, whose spread says little.
    """
    if not len(frames) or len(ensemble) < FEWEST_MEMBERS:
        return {}
    has_forces = store.forces is not None
    parts = []
    for part in bounded_parts(store.atoms_of(frames).atoms_per_frame):
        batch = gather(store, frames[part]).to(ensemble.device)
        found = ensemble(batch.with_positions(ensemble.positions(batch.positions)), forces=has_forces)
        arrays = {name: value.numpy(force=True) for name, value in compared(batch, found).items()}
        parts.append(arrays)
    everything: dict[str, Column] = {name: np.concatenate([each[name] for each in parts]) for name in parts[0]}
    return {
        name: scale_factor(each) for name, each in uncertainties_in({**everything, **of_ensemble(ensemble)}).items()
    }


def of_ensemble(ensemble: Ensemble) -> dict[str, Column]:
    """Return what predictions have to say of their ensemble: its number of members, and the factors of its spreads."""
    factors = [float(ensemble.energy_factor), float(ensemble.forces_factor)]
    return {"num_members": np.array([len(ensemble)]), "spread_factors": np.array(factors)}


def uncertainties_in(predictions: Mapping[str, Column], energy_unit: str = "eV") -> dict[str, Uncertainties]:
    """Return errors and spreads, not calibrated, of energies and force components, in the units of reports.

    Args:
        predictions: of an ensemble, as a test writes them; labels that are not known are NaN.
        energy_unit: unit of the energies, if not eV.

    Returns:
        energy and forces; nothing of other potentials, of fewer than four members, and where all members agree.
    """
    if "spread_factors" not in predictions or int(predictions["num_members"][0]) < FEWEST_MEMBERS:
        return {}
    found = {}
    sizes = (reported(energy_unit)[1], KCAL_PER_MOL)
    for name, size, factor in zip(QUANTITIES, sizes, predictions["spread_factors"], strict=True):
        if f"{name}_spread" not in predictions:
            continue
        true = predictions[name].astype(np.float64)
        known = np.isfinite(true)
        errors = (true - predictions[f"predicted_{name}"])[known] / size
        spreads = predictions[f"{name}_spread"].astype(np.float64)[known] / (factor * size)
        if (spreads > 0).any():
            found[name] = from_spreads(errors, spreads, int(predictions["num_members"][0]))
    return found


def judge(predictions: Mapping[str, Column], energy_unit: str = "eV") -> dict[str, SpreadFound]:
    """Measure how well spreads describe errors, before and after calibration; see `uncertainties_in`."""
    units = dict(zip(QUANTITIES, (reported(energy_unit)[0], "kcal/mol/Å"), strict=True))
    judged = {}
    for name, found in uncertainties_in(predictions, energy_unit).items():
        factor = float(predictions["spread_factors"][QUANTITIES.index(name)])
        after = calibration(found, factor) if factor != 1 else None
        judged[name] = SpreadFound(units[name], len(found.errors), calibration(found), after)
    return judged


def rows_of(found: SpreadFound, with_units: bool = True) -> dict[str, tuple[float | None, float | None]]:
    """Return the numbers as tables show them: name and unit → before and after."""
    return {
        f"{label}{f' ({found.unit})' if with_units and name in IN_UNITS else ''}": (
            getattr(found.before, name),
            None if found.after is None else getattr(found.after, name),
        )
        for name, label in NUMBERS.items()
    }
