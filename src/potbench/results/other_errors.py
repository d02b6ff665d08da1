"""Errors besides MAE and RMSE: of energy differences between conformers, and of force vectors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from potbench.structures import Column, FloatArray, IntArray

STRONG = 0.05
"""eV/Å: smallest force whose direction is compared; that of a force near zero is an accident."""


class VectorErrors(NamedTuple):
    """Errors of force vectors.

    Attributes:
        magnitude: mean absolute error of |F| in eV/Å.
        angle: mean angle between predicted and true force, in degrees, of the strong ones that are predicted with a
            direction; NaN without any.
        strong: how many forces are strong.
        directionless: how many of these are predicted to be zero, which has no direction.
    """

    magnitude: float
    angle: float
    strong: int
    directionless: int


def error_of_differences(predictions: Mapping[str, Column]) -> float:
    """Return the MAE of energies relative to the lowest frame of each molecule, in eV.

    An error that all frames of a molecule share, which no difference of energies shows, does not count.

    Args:
        predictions: energy and energy_error, in eV, and molecule of each frame.

    Returns:
        The mean over frames other than the lowest ones; NaN where each molecule has one frame.
    """
    known = np.isfinite(predictions["energy_error"])
    error: FloatArray = predictions["energy_error"][known]
    molecule: IntArray = predictions["molecule"][known]
    order = np.lexsort((predictions["energy"][known], molecule))
    first = np.flatnonzero(np.diff(molecule[order], prepend=-1))
    lowest = order[np.repeat(first, np.diff(first, append=len(order)))]
    relative = np.delete(error[order] - error[lowest], first)
    return float(np.abs(relative).mean()) if len(relative) else float("nan")


def vector_errors(predictions: Mapping[str, Column]) -> VectorErrors:
    """Return errors of magnitude and direction.

    Args:
        predictions: forces and predicted_forces, components in eV/Å, in the order of the atoms; NaN follows where there
            are none.
    """
    if "predicted_forces" not in predictions:
        return VectorErrors(float("nan"), float("nan"), 0, 0)
    true = predictions["forces"].reshape(-1, 3).astype(np.float64)
    predicted = predictions["predicted_forces"].reshape(-1, 3).astype(np.float64)
    known = np.isfinite(true).all(axis=1)
    true, predicted = true[known], predicted[known]
    sizes, found = np.linalg.norm(true, axis=1), np.linalg.norm(predicted, axis=1)
    strong = sizes >= STRONG
    directed = strong & (found > 0)
    # of small angles, the arc cosine of a cosine near 1 has few digits
    across = np.linalg.norm(np.cross(true[directed], predicted[directed]), axis=1)
    angles = np.degrees(np.arctan2(across, (true[directed] * predicted[directed]).sum(axis=1)))
    magnitude = float(np.abs(found - sizes).mean()) if len(sizes) else float("nan")
    angle = float(angles.mean()) if len(angles) else float("nan")
    return VectorErrors(magnitude, angle, int(strong.sum()), int((strong & ~directed).sum()))
