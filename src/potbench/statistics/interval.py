"""Intervals by Student's t, and the mean error of one cell over its trainings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from potbench.errors import SettingError
from potbench.structures import FloatArray, IntArray

CONFIDENCE = 0.95
FEWEST_TRAININGS = 3
# a training without chance, done again, differs by rounding alone
SAME = 1e-9


class Interval(NamedTuple):
    """Both ends of a confidence interval."""

    low: float
    high: float


class Basis(StrEnum):
    """What an interval rests on, or why there is none, in the words of the report; from what says most to least."""

    FRAMES = "frames only"  # trained again, the architecture gives the same numbers
    MOLECULES = "interval over the molecules"
    TRAININGS = "interval over the trainings"
    FOLDS = "corrected resampling over the folds"
    TOO_CORRELATED = "too correlated for an interval"
    TWO_TRAININGS = "two trainings"
    ONE_TRAINING = "one training"  # an interval over the frames alone
    DIVERGED = "some trainings diverged"

    @property
    def decides(self) -> bool:
        """Tell whether a difference with this basis can be called real."""
        return self in (Basis.TRAININGS, Basis.MOLECULES, Basis.FOLDS, Basis.FRAMES)


class Source(NamedTuple):
    """One source of variation of a mean.

    Attributes:
        variance: of a single sample.
        number: how many samples were averaged.
        correlation: added to 1/number: what the samples share does not average out.
    """

    variance: float
    number: int
    correlation: float = 0.0

    @property
    def variance_of_mean(self) -> float:
        """Return variance · (1/number + correlation)."""
        return self.variance * (1 / self.number + self.correlation)


def degrees_of_freedom(sources: Sequence[Source]) -> float:
    """Return the degrees of freedom of a sum of independent variances.

    df = (Σ V)² / Σ (V² / (n − 1)),   infinite where nothing varies

    Source: Satterthwaite, Biometrics Bull. 2, 110 (1946), doi:10.2307/3002019.
    """
    parts = [(source.variance_of_mean, source.number - 1) for source in sources if source.variance > 0]
    largest = max((variance for variance, _ in parts), default=0.0)
    if largest == 0:
        return math.inf
    # the square of a variance may underflow; of a share of the largest it does not matter
    shares = [(variance / largest, df) for variance, df in parts]
    return sum(share for share, _ in shares) ** 2 / sum(share**2 / df for share, df in shares)


def half_width(sources: Sequence[Source], confidence: float = CONFIDENCE) -> float:
    """Return t((1 + confidence)/2, df) · √(Σ V), with the degrees of freedom of Satterthwaite."""
    variance = sum(source.variance_of_mean for source in sources)
    if variance == 0:
        return 0.0
    return float(stdtrit(degrees_of_freedom(sources), (1 + confidence) / 2)) * math.sqrt(variance)


@dataclass(frozen=True)
class TrainingMean:
    """A number that every training of a cell has: an error, or a slope.

    Attributes:
        values: of each training that did not diverge; the report draws each of them.
        mean: of the values; None where all trainings diverged.
        interval: of the mean; None where `basis` says why.
        basis: what the interval rests on.
        num_diverged: trainings without a value.
    """

    values: tuple[float, ...]
    mean: float | None
    interval: Interval | None
    basis: Basis
    num_diverged: int = 0


def mean_over_trainings(values: FloatArray, num_diverged: int = 0, frames: Interval | None = None) -> TrainingMean:
    """Average over trainings, with the t-interval of the mean.

    mean ± t(0.975, S − 1) · s / √S

    It is Student's, and not a bootstrap over the trainings, whose interval covers 70 % instead of 95 % of three.

    Args:
        values: shape (trainings,), of the trainings that did not diverge.
        num_diverged: how many did; where there are any, the interval is left out.
        frames: the interval over test frames, for a single training or trainings that do not differ.

    Raises:
        SettingError: a value is not finite.
    """
    require_finite(mean_over_trainings, values=values)
    basis = basis_of(values, num_diverged)
    mean = float(np.mean(values)) if len(values) else None
    interval = frames if basis in (Basis.ONE_TRAINING, Basis.FRAMES) else None
    if mean is not None and basis is Basis.TRAININGS:
        width = half_width([Source(float(np.var(values, ddof=1)), len(values))])
        interval = Interval(mean - width, mean + width)
    return TrainingMean(tuple(np.asarray(values).tolist()), mean, interval, basis, num_diverged)


def fold_means(values: FloatArray, folds: IntArray) -> FloatArray:
    """Average over the trainings of each fold, which have training frames in common.

    Args:
        values: shape (trainings, …).
        folds: shape (trainings,), the fold of each.

    Returns:
        Shape (folds, …), in the order of the folds.
    """
    return np.array([values[folds == fold].mean(axis=0) for fold in np.unique(folds)])


def basis_of(values: FloatArray, num_diverged: int = 0) -> Basis:
    """Tell what an interval over trainings with these values, of shape (trainings,), rests on."""
    if num_diverged or len(values) == 0:
        return Basis.DIVERGED
    if len(values) == 1:
        return Basis.ONE_TRAINING
    if np.ptp(values) <= SAME * np.abs(values).max():
        return Basis.FRAMES
    return Basis.TWO_TRAININGS if len(values) < FEWEST_TRAININGS else Basis.TRAININGS


def require_finite(owner: object, **arrays: npt.NDArray[np.generic]) -> None:
    """Raise SettingError unless all values are finite: name of the argument → array."""
    for name, values in arrays.items():
        num_bad = int(np.count_nonzero(~np.isfinite(values)))
        if num_bad:
            problem = f"{num_bad} of {np.size(values)} {name} are not finite"
            raise SettingError(owner, name, values, "finite values; a diverged training is counted instead", problem)
