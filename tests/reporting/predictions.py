"""Predictions of a test set, and their errors."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from potbench.reporting.comparison import Comparison, compare
from potbench.structures import FloatArray
from potbench.units import KCAL_PER_MOL, Quantity

ATOMS = 3


def make_predictions(num_frames: int, forces: bool = True, seed: int = 0) -> dict[str, FloatArray]:
    """Random energies and forces in eV, and predictions that are 0.05 eV off."""
    random = np.random.default_rng(seed)
    offset = -1000.0 * random.integers(5, 20, num_frames)
    energy = offset + random.normal(0, 2, num_frames)
    arrays = {
        "frame": np.arange(num_frames),
        "offset": offset,
        "energy": energy,
        "predicted_energy": energy + random.normal(0, 0.05, num_frames),
    }
    if forces:
        arrays["forces"] = random.normal(0, 1, num_frames * ATOMS * 3).astype(np.float32)
        noise = random.normal(0, 0.05, num_frames * ATOMS * 3)
        arrays["predicted_forces"] = (arrays["forces"] + noise).astype(np.float32)
    return arrays


def make_metrics(arrays: dict[str, FloatArray]) -> dict[str, Quantity]:
    """Errors as a record names them, by scikit-learn."""
    finite = np.isfinite(arrays["predicted_energy"])
    true, predicted = (arrays[name][finite] / KCAL_PER_MOL for name in ("energy", "predicted_energy"))
    if not finite.any():
        return {f"energy_{name}": Quantity(None, "kcal/mol") for name in ("mae", "rmse")}
    metrics = {
        "energy_mae": Quantity(mean_absolute_error(true, predicted), "kcal/mol"),
        "energy_rmse": Quantity(root_mean_squared_error(true, predicted), "kcal/mol"),
    }
    if len(true) > 1:
        offset = arrays["offset"][finite] / KCAL_PER_MOL
        metrics["energy_r2"] = Quantity(r2_score(true - offset, predicted - offset), "1")
    if "forces" in arrays:
        finite = np.isfinite(arrays["predicted_forces"])
        pair = [arrays[name][finite] / KCAL_PER_MOL for name in ("forces", "predicted_forces")]
        metrics["forces_mae"] = Quantity(mean_absolute_error(*pair), "kcal/mol/Å")
        metrics["forces_rmse"] = Quantity(root_mean_squared_error(*pair), "kcal/mol/Å")
    return metrics


def compared(arrays: dict[str, FloatArray]) -> list[Comparison]:
    """Predictions beside true values, with their errors."""
    return compare(arrays, make_metrics(arrays))


def text_in(axes: Axes) -> str:
    """All that is written into a panel, its lines joined as if they were one."""
    lines = [axes.get_title(), axes.get_title("left"), *(text.get_text() for text in axes.texts)]
    return " ".join(" ".join(lines).split()) + " "


def panels(figure: Figure) -> list[Axes]:
    """The panels of a figure, without color bars."""
    return [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
