"""Steps of a function along a path: what is left of it, however closely one looks, where all else is smooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from potbench.structures import FloatArray, IntArray

AT_FIRST, THEN = 10, 5
"""Places that are looked at more closely, at first and then: from afar, steep walls and kinks look like steps."""
POINTS = 10
"""Of each place."""


class Step(NamedTuple):
    """Where a function changes most beside its trend.

    Attributes:
        at: place on the path.
        height: by how much; NaN where a value is not finite.
    """

    at: float
    height: float


def largest_step(misfits: Callable[[FloatArray], FloatArray], q: FloatArray, first: FloatArray, finest: float) -> Step:
    """Return the largest step of a function along a path; one of 0 is a rounding error.

    The intervals that fit worst, each worse than its neighbors, are looked at with more points, and so on: a step
    keeps its height, and all else shrinks with the interval.

    Args:
        misfits: places q of shape (rows, points), evenly spaced → by how much the function misses its trend in each
            interval, shape (rows, points − 1).
        q: shape (points,), evenly spaced: the whole path.
        first: shape (points − 1,), by how much it misses its trend in their intervals.
        finest: distance of points at last.
    """
    rows, misfit, spacing = q[None], np.abs(first)[None], q[1] - q[0]
    while spacing > 1.5 * finest:
        row, interval = _worst(misfit, AT_FIRST if len(rows) == 1 else THEN)
        # half an interval on either side too, for a step may be at an end
        finer = max(2 * spacing / (POINTS - 1), finest)
        reach = finer * (POINTS - 1) / 2
        middle = (rows[row, interval] + rows[row, interval + 1]) / 2
        middle = np.clip(middle, q[0] + reach, q[-1] - reach)
        rows = middle[:, None] + np.linspace(-reach, reach, POINTS)
        misfit, spacing = np.abs(misfits(rows)), finer
    worst, at = divmod(int(misfit.argmax()), misfit.shape[1])
    return Step(float(rows[worst, at : at + 2].mean()), float(misfit[worst, at]))


def integrals(values: FloatArray, spacing: float) -> FloatArray:
    """Integrate over each interval by the trapezoid and the slopes at its ends: shape (…, points) → (…, points − 1).

    ∫ f dq ≈ ½ h (f₀ + f₁) − h²/12 (f₁′ − f₀′)
    """
    slopes = np.gradient(values, spacing, axis=-1, edge_order=2)
    found: FloatArray = spacing / 2 * (values[..., 1:] + values[..., :-1]) - spacing**2 / 12 * np.diff(slopes)
    return found


def _worst(misfit: FloatArray, number: int) -> tuple[IntArray, IntArray]:
    """Return row and interval of the largest ones that no neighbor exceeds, shape (number,) each."""
    height = np.where(np.isnan(misfit), np.inf, misfit)
    beside = np.pad(height, ((0, 0), (1, 1)), constant_values=-1)
    peaks = np.where((height >= beside[:, :-2]) & (height >= beside[:, 2:]), height, -1)
    row, interval = np.divmod(np.argsort(-peaks, axis=None, kind="stable")[:number], peaks.shape[1])
    return row, interval
