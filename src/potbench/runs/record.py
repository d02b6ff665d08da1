"""record.json: every number of a run, with its unit and what it came from."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from potbench.units import KCAL_PER_MOL, MEV, reported

Record = dict[str, Any]
UNITS = {
    "energy_mae": "kcal/mol",
    "energy_rmse": "kcal/mol",
    "energy_mae_per_atom": "kcal/mol/atom",
    "forces_mae": "kcal/mol/Å",
    "forces_rmse": "kcal/mol/Å",
}


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A number with its unit, as JSON holds it; a number that JSON cannot hold becomes null."""
    return {"value": value if math.isfinite(value) else None, "unit": unit}


def in_units(metrics: dict[str, float], energy_unit: str = "eV") -> dict[str, dict[str, Any]]:
    """Metrics as logged, each with its unit, energies and forces in kcal/mol and again in meV.

    Args:
        metrics: name → value, in kcal/mol and kcal/mol/Å.
        energy_unit: unit of the store's energies; what is not in eV was logged as it is.
    """
    result = {}
    for name, value in metrics.items():
        unit = UNITS.get(name, "1").replace("kcal/mol", reported(energy_unit)[0])
        result[name] = quantity(value, unit)
        if name in UNITS and energy_unit == "eV":
            result[f"{name}_mev"] = quantity(value * KCAL_PER_MOL / MEV, unit.replace("kcal/mol", "meV"))
    return result


def best_validation(metrics_csv: Path) -> dict[str, float]:
    """The row of metrics.csv with the smallest validation loss: name without "validation/" → value.

    Empty where nothing was validated, or no metrics.csv was asked for.
    """
    if not metrics_csv.is_file():
        return {}
    with metrics_csv.open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if math.isfinite(float(row.get("validation/loss") or "nan"))]
    if not rows:
        return {}
    best = min(rows, key=lambda row: float(row["validation/loss"]))
    values = {name.removeprefix("validation/"): value for name, value in best.items() if name.startswith("validation/")}
    return {"epoch": float(best["epoch"]), **{name: float(value) for name, value in values.items() if value}}


def write_record(run: Path, **parts: Any) -> Record:
    """Merge parts into RUN/record.json, by one rename, and return the whole.

    Args:
        run: the run folder.
        parts: keys of the record; a dict is merged into the one that is there.
    """
    record = read_record(run) if (run / "record.json").is_file() else {}
    for key, value in parts.items():
        old = record.get(key)
        record[key] = {**old, **value} if isinstance(value, dict) and isinstance(old, dict) else value
    plain: Record = _as_json(record)
    partial = run / "record.json.partial"
    partial.write_text(json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    partial.replace(run / "record.json")
    return plain


def read_record(run: Path) -> Record:
    """The record of a run.

    Raises:
        FileNotFoundError: the folder is no finished run.
        ValueError: the record is damaged.
    """
    file = run / "record.json"
    if not file.is_file():
        raise FileNotFoundError(f"{run} holds no record.json. Expected the folder of a finished run; change --run.")
    try:
        record: Record = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(
            f"{file} is damaged ({error}). Expected what potbench wrote. Delete it; "
            "`python -m potbench test --run` writes it anew."
        ) from error
    return record


def _as_json(value: Any) -> Any:
    """What JSON can hold: plain numbers, null for NaN and infinity, and text for everything else."""
    if isinstance(value, dict):
        return {str(key): _as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)
