"""The errors of a run: their units, and how they changed over the epochs."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from potbench.errors import RecordError
from potbench.units import KCAL_PER_MOL, MEV, Quantity, reported

UNITS = {
    "energy_mae": "kcal/mol",
    "energy_rmse": "kcal/mol",
    "energy_mae_per_atom": "kcal/mol/atom",
    "forces_mae": "kcal/mol/Å",
    "forces_rmse": "kcal/mol/Å",
}


def units(energy_unit: str = "eV") -> dict[str, str]:
    """Return the unit of each error that training logs, by its name with the stage before it.

    Args:
        energy_unit: unit of the store's energies.
    """
    return {f"{stage}/{name}": _unit(name, energy_unit) for stage in ("validation", "test") for name in UNITS}


def in_units(metrics: Mapping[str, float], energy_unit: str = "eV") -> dict[str, Quantity]:
    """Give metrics their units, energies and forces in kcal/mol and again in meV.

    Args:
        metrics: name → value, in kcal/mol and kcal/mol/Å.
        energy_unit: unit of the store's energies; if it is not eV, metrics of energies are in that unit.
    """
    found = {}
    for name, value in metrics.items():
        unit = _unit(name, energy_unit)
        found[name] = Quantity.of(value, unit)
        if name in UNITS and energy_unit == "eV":
            found[f"{name}_mev"] = Quantity.of(value * KCAL_PER_MOL / MEV, unit.replace("kcal/mol", "meV"))
    return found


def read_curves(metrics_csv: Path) -> dict[str, dict[int, float]]:
    """Return column → epoch, counted from 0 → value; empty without the file.

    Args:
        metrics_csv: as training writes it: the training and the validation values of an epoch are in rows of their own.

    Raises:
        RecordError: the file is damaged.
    """
    curves: dict[str, dict[int, float]] = defaultdict(dict)
    for epoch, row in _rows(metrics_csv):
        for name, value in row.items():
            curves[name][epoch] = value
    return dict(curves)


def best_validation(metrics_csv: Path) -> tuple[int | None, dict[str, float]]:
    """Return the epoch with the smallest validation loss, counted from 0, and its metrics: name without stage → value.

    Where nothing was validated, or there is no file, return None and no metrics.

    Raises:
        RecordError: the file is damaged.
    """
    stage = "validation/"
    validated = [
        (epoch, {name.removeprefix(stage): value for name, value in row.items() if name.startswith(stage)})
        for epoch, row in _rows(metrics_csv)
        if math.isfinite(row.get(f"{stage}loss", math.nan))
    ]
    return min(validated, key=lambda found: found[1]["loss"], default=(None, {}))


def _unit(name: str, energy_unit: str) -> str:
    return UNITS.get(name, "1").replace("kcal/mol", reported(energy_unit)[0])


def _rows(metrics_csv: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Give the epoch of each row that has one, and what is not empty in the row."""
    if not metrics_csv.is_file():
        return
    try:
        with metrics_csv.open(newline="", encoding="utf-8") as stream:
            # a killed process can leave half a line at the end
            for row in csv.DictReader(line for line in stream if line.endswith("\n")):
                epoch = row.pop("epoch", None)
                if epoch:
                    yield int(epoch), {name: float(value) for name, value in row.items() if value}
    except (ValueError, TypeError, csv.Error) as error:
        raise RecordError(
            f"{metrics_csv} is damaged ({error}). Expected a row of numbers for each epoch, as training writes it. "
            "Restore it, or delete it: the run loses its loss curves."
        ) from error
