"""Learning curves: how fast the error falls with the number of training frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from scipy.optimize import least_squares

from potbench.errors import SettingError
from potbench.statistics.interval import (
    Basis,
    Interval,
    Source,
    TrainingMean,
    fold_means,
    half_width,
    mean_over_trainings,
    require_finite,
)
from potbench.structures import FloatArray, IntArray

FEWEST_SIZES_FOR_FLOOR = 7
AICC_GAIN = 2.0
FARTHEST = 2.0
LARGEST_SHARE = 0.1


class Scope(StrEnum):
    """To which training sets an interval over trainings applies, in the words of the report."""

    ANY_FRAMES = "any training frames"
    THIS_POOL = "given this pool"


@dataclass(frozen=True)
class Floor:
    """A learning curve that ends at an error above zero: error = prefactor · N^(−exponent) + floor."""

    prefactor: float
    exponent: float
    floor: float


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """The law error = prefactor · N^(−exponent).

    Attributes:
        sizes: shape (sizes,), numbers of training frames, ascending.
        errors: shape (sizes,), geometric means over the trainings.
        exponent: of each training fitted alone, with the interval over trainings; or of each fold, the mean over its
            trainings, with the interval over folds.
        prefactor: of the geometric mean over the trainings.
        largest: error at the largest size, likewise.
        floor: a law that ends above zero, where it describes the errors better.
    """

    sizes: IntArray
    errors: FloatArray
    exponent: TrainingMean
    prefactor: float
    largest: TrainingMean
    floor: Floor | None

    def frames_for(self, error: float) -> float | None:
        """Return the number of training frames that reach an error; None where that is beyond twice the largest size.

        Between two sizes ln N is linear in ln error; outside, the fitted law goes on, down to half the smallest size.
        """
        logs = np.log(self.sizes)
        # a size that does worse than a smaller one is no way to reach an error
        reached = np.minimum.accumulate(np.log(self.errors))
        target = math.log(error)
        if reached[-1] <= target <= reached[0]:
            first = int(np.argmax(reached <= target))
            if first == 0:
                return float(self.sizes[0])
            share = (reached[first - 1] - target) / (reached[first - 1] - reached[first])
            return math.exp(logs[first - 1] + share * (logs[first] - logs[first - 1]))
        exponent = self.exponent.mean
        if not exponent or exponent < 0:
            return None
        end = -1 if target < reached[-1] else 0
        log_factor = (reached[end] - target) / exponent
        return math.exp(logs[end] + log_factor) if abs(log_factor) <= math.log(FARTHEST) else None


def learning_curve(
    sizes: IntArray,
    errors: FloatArray,
    num_diverged: int = 0,
    folds: IntArray | None = None,
    test_share: float = 0.0,
) -> LearningCurve:
    """Fit ln error = ln A − b ln N to each training alone, by least squares.

    From 7 sizes on, A N^(−b) + c is fitted to the geometric mean over trainings as well, and kept if AICc falls by
    more than 2; AICc = n ln(Σ r²/n) + 2k + 2k(k + 1)/(n − k − 1), k counting σ.

    Trainings on one fold have frames in common and count as one, the mean of their exponents. Where folds test other
    frames each, V = (1/J + n_test/n_train) · s² with J − 1 degrees of freedom: the training frames that folds share do
    not average out. Of five folds with three trainings each, an interval over all trainings as if they were independent
    covered the exponent in 74 to 79 % of simulated studies, over the folds without the second term in 88 to 92 %, with
    it in 95 to 96 % (interpolation of a random function in four dimensions; 400 of 500 frames train at the largest
    size).

    Sources: Hurvich and Tsai, Biometrika 76, 297 (1989), doi:10.1093/biomet/76.2.297 (AICc); Nadeau and Bengio, Mach.
    Learn. 52, 239 (2003), doi:10.1023/A:1024068626366 (folds).

    Args:
        sizes: shape (sizes,), numbers of training frames, ascending, two or more.
        errors: shape (trainings, sizes), of trainings that have nested training sets each, drawn anew for each.
        num_diverged: trainings that diverged at any size.
        folds: shape (trainings,), the fold of each; None without folds.
        test_share: where folds test other frames each, test frames of one over its training frames at the largest size;
            else 0, and the interval is that over folds of one pool.

    Raises:
        SettingError: errors are not finite or not above zero, sizes do not ascend, or the shapes differ.
    """
    require_finite(learning_curve, errors=errors)
    if errors.ndim != 2 or errors.shape[0] == 0 or not (errors > 0).all():
        raise SettingError(learning_curve, "errors", errors, "errors above zero of one training or more")
    if len(sizes) < 2 or errors.shape[1] != len(sizes) or not (np.diff(sizes) > 0).all() or sizes[0] <= 0:
        raise SettingError(learning_curve, "sizes", sizes, "two or more that ascend, one for each error of a training")
    log_sizes, log_errors = np.log(sizes), np.log(errors)
    slopes, intercepts = np.polyfit(log_sizes, log_errors.T, 1)
    return LearningCurve(
        sizes=sizes,
        errors=np.exp(log_errors.mean(axis=0)),
        exponent=_mean(-slopes, num_diverged, folds, test_share),
        prefactor=math.exp(intercepts.mean()),
        largest=_mean(errors[:, -1], num_diverged, folds, test_share),
        floor=_floor(log_sizes, log_errors.mean(axis=0)),
    )


def data_efficiency(first: LearningCurve, second: LearningCurve) -> float | None:
    """Return how many times as many frames the second needs to reach what the first reaches with its largest size.

    Return None where that is beyond twice the largest size of the second.
    """
    frames = second.frames_for(float(first.errors[-1]))
    return None if frames is None else frames / float(first.sizes[-1])


def scope(num_frames: int, pool: int) -> Scope:
    """Tell to which training sets an interval over trainings applies that draw their frames from a finite pool.

    Trainings share N/pool of their frames, which does not average out. Where frames are all that varies, the interval
    over five trainings covers the error of another pool in 43 % of all studies if N is 80 % of the pool, in 69 % at
    half, and in 91 % at a tenth; beyond that it is "given this pool".
    """
    return Scope.ANY_FRAMES if num_frames <= LARGEST_SHARE * pool else Scope.THIS_POOL


def _mean(values: FloatArray, num_diverged: int, folds: IntArray | None, test_share: float) -> TrainingMean:
    """Average values of trainings, of shape (trainings,), over the folds where there are any."""
    if folds is not None:
        values = fold_means(values, folds)
    found = mean_over_trainings(values, num_diverged)
    if not test_share or found.interval is None or found.mean is None:
        return found
    width = half_width([Source(float(np.var(values, ddof=1)), len(values), test_share)])
    return replace(found, interval=Interval(found.mean - width, found.mean + width), basis=Basis.FOLDS)


def _floor(log_sizes: FloatArray, log_errors: FloatArray) -> Floor | None:
    if len(log_sizes) < FEWEST_SIZES_FOR_FLOOR:
        return None
    slope, intercept = np.polyfit(log_sizes, log_errors, 1)
    smallest = log_errors.min()

    def residuals(parameters: FloatArray) -> FloatArray:
        log_prefactor, exponent, floor = parameters
        curve = np.exp(log_prefactor - exponent * log_sizes) + floor * math.exp(smallest)
        found: FloatArray = np.log(curve) - log_errors
        return found

    # started where half of the smallest error is the floor; the fit is in units of that error
    above = np.log(np.exp(log_errors) - 0.5 * math.exp(smallest))
    start_slope, start = np.polyfit(log_sizes, above, 1)
    bounds = ([-np.inf, 0, 0], [np.inf, np.inf, 1])
    fit = least_squares(residuals, [start, max(-start_slope, 1e-3), 0.5], bounds=bounds, x_scale="jac")
    straight = log_errors - (intercept + slope * log_sizes)
    if _aicc(straight, 3) - _aicc(fit.fun, 4) <= AICC_GAIN:
        return None
    return Floor(math.exp(fit.x[0]), float(fit.x[1]), float(fit.x[2]) * math.exp(smallest))


def _aicc(residuals: FloatArray, num_parameters: int) -> float:
    number = len(residuals)
    # below rounding, one law fits as well as the other
    mean_square = max(float(np.mean(residuals**2)), 1e-20)
    correction = 2 * num_parameters * (num_parameters + 1) / (number - num_parameters - 1)
    return number * math.log(mean_square) + 2 * num_parameters + correction
