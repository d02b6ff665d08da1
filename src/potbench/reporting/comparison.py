"""Predicted and true values side by side, in the units of reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from potbench.reporting.rounding import four_decimals, three_digits
from potbench.structures import FloatArray
from potbench.units import KCAL_PER_MOL, Quantity, reported


class Comparison(NamedTuple):
    """One property, predicted and true.

    Attributes:
        name: of the property.
        unit: of both.
        counted: what one value belongs to.
        true: shape (values,), float64.
        predicted: shape (values,), float64.
        errors: how far apart they are, as text.
    """

    name: str
    unit: str
    counted: str
    true: FloatArray
    predicted: FloatArray
    errors: list[str]

    @property
    def residuals(self) -> FloatArray:
        """Return predicted − true, of the finite predictions."""
        difference = self.predicted - self.true
        return difference[np.isfinite(difference)]

    def unseen(self, num_outside: int) -> list[str]:
        """Say how many values a figure does not show.

        Args:
            num_outside: values outside its axes.
        """
        num_lost = int(np.count_nonzero(~np.isfinite(self.predicted)))
        counts = {"outside": num_outside, "not finite": num_lost}
        return [f"{num:,} of {len(self.true):,} {what}" for what, num in counts.items() if num]


def compare(
    predictions: Mapping[str, FloatArray], metrics: Mapping[str, Quantity], energy_unit: str = "eV"
) -> list[Comparison]:
    """Return energies without reference energies, and force components in kcal/mol/Å where there are any.

    Args:
        predictions: energy, predicted_energy and offset of shape (frames,) in eV, and perhaps forces and
            predicted_forces of shape (components,) in eV/Å; labels that are unknown are NaN.
        metrics: the errors of these predictions: energy_mae and so on.
        energy_unit: unit of the energies, if not eV.
    """
    unit, size = reported(energy_unit)
    true, predicted = ((predictions[name] - predictions["offset"]) / size for name in ("energy", "predicted_energy"))
    known = ~np.isnan(true)
    comparisons = [Comparison("energy", unit, "Frames", true[known], predicted[known], _errors(metrics, "energy"))]
    if "forces" in predictions:
        true, predicted = (
            predictions[name].astype(np.float64) / KCAL_PER_MOL for name in ("forces", "predicted_forces")
        )
        errors, known = _errors(metrics, "forces"), ~np.isnan(true)
        comparisons.append(Comparison("force", "kcal/mol/Å", "Components", true[known], predicted[known], errors))
    return comparisons


def _errors(metrics: Mapping[str, Quantity], name: str) -> list[str]:
    found = {error: metrics.get(f"{name}_{error}") for error in ("mae", "rmse", "r2")}
    texts = [
        f"{error.upper()} {three_digits(quantity.value)} {quantity.unit}"
        for error, quantity in found.items()
        if quantity and error != "r2"
    ]
    r2 = found["r2"]
    # it is not finite where the true values do not differ
    return texts if r2 is None or r2.value is None else [*texts, f"R² {four_decimals(r2.value)}".replace("-", "−")]
