"""Calibration of ensembles: whether the spread of the members tells how wrong their mean is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import betaln
from scipy.stats import spearmanr, t

from potbench.errors import SettingError
from potbench.statistics.interval import require_finite
from potbench.structures import FloatArray, IntArray

FEWEST_MEMBERS = 4
DISCARDED = 0.1


class Uncertainties(NamedTuple):
    """Errors of the mean of an ensemble, and what its members say of them.

    Attributes:
        errors: shape (values,), true − mean of the members.
        spreads: shape (values,), standard deviation over the members, above zero.
        num_members: of the ensemble.
        num_certain: values left out because all members agree on them exactly, as symmetry makes them do.
    """

    errors: FloatArray
    spreads: FloatArray
    num_members: int
    num_certain: int


@dataclass(frozen=True)
class Calibration:
    """How well intervals mean ± t(M − 1) · a · spread describe the errors.

    Attributes:
        factor: a, by which the spreads were multiplied; 1 before calibration.
        coverage_68: share of errors inside the interval of 68 %.
        coverage_95: share of errors inside the interval of 95 %.
        miscalibration_area: between the coverage curve and the diagonal, 0 to 0.5.
        nll: mean negative log likelihood of the errors.
        crps: mean continuous ranked probability score, in the unit of the errors.
        sharpness: root mean square of the scaled spreads, in the unit of the errors.
        mean_z2: mean of (error / scaled spread)²; heavy-tailed.
        expected_z2: the same before calibration, of members that are as wrong as they are apart.
        spearman: rank correlation of |error| and spread; None where one of them is constant.
        mae: of all values.
        mae_without_uncertain: of what is left without the most uncertain 10 %.
    """

    factor: float
    coverage_68: float
    coverage_95: float
    miscalibration_area: float
    nll: float
    crps: float
    sharpness: float
    mean_z2: float
    expected_z2: float
    spearman: float | None
    mae: float
    mae_without_uncertain: float


class Bins(NamedTuple):
    """Values sorted by spread and cut into bins, each attribute of shape (bins,).

    Attributes:
        spreads: root mean square of the scaled spreads.
        errors: root mean square of the errors; equal to the spreads where these are right.
        counts: values in the bin.
    """

    spreads: FloatArray
    errors: FloatArray
    counts: IntArray


def uncertainties(true: FloatArray, predicted: FloatArray) -> Uncertainties:
    """Take the mean of the members as prediction, and their standard deviation as its uncertainty.

    Args:
        true: shape (values,): energies, or components of forces.
        predicted: shape (members, values), of four members or more.

    Raises:
        SettingError: a value is not finite, there are too few members, the shapes differ, or all members agree.
    """
    require_finite(uncertainties, true=true, predicted=predicted)
    if len(predicted) < FEWEST_MEMBERS:
        problem = f"An ensemble of {len(predicted)} does not show how far its members spread"
        raise SettingError(uncertainties, "predicted", predicted, f"{FEWEST_MEMBERS} members or more", problem)
    if predicted.shape[1:] != true.shape:
        problem = f"The predictions have shape {predicted.shape}, the true values {true.shape}"
        raise SettingError(uncertainties, "predicted", predicted, "a prediction of each member for each value", problem)
    # rounding of the mean must not look like a spread
    spreads = np.where(np.ptp(predicted, axis=0) > 0, predicted.std(axis=0, ddof=1), 0.0)
    return from_spreads(true - predicted.mean(axis=0), spreads, len(predicted))


def from_spreads(errors: FloatArray, spreads: FloatArray, num_members: int) -> Uncertainties:
    """Return errors beside the spreads of an ensemble, without the values that all members agree on.

    Args:
        errors: shape (values,), true − mean of the members.
        spreads: shape (values,), standard deviation over the members; 0 where they agree exactly.
        num_members: of the ensemble.

    Raises:
        SettingError: all members agree on all values.
    """
    uncertain = spreads > 0
    if not uncertain.any():
        problem = "All members predict the same"
        raise SettingError(from_spreads, "spreads", spreads, "members that were trained apart", problem)
    num_certain = int(np.count_nonzero(~uncertain))
    return Uncertainties(errors[uncertain], spreads[uncertain], num_members, num_certain)


def scale_factor(found: Uncertainties) -> float:
    """Return the factor that makes spreads as large as errors: a² = Σ error² / Σ spread².

    It is found on calibration frames, which no member trained on and no checkpoint was chosen by, for energies and for
    forces each. Of M perfect members it is √(1 + 1/M).
    """
    return math.sqrt(float(np.sum(found.errors**2) / np.sum(found.spreads**2)))


def calibration(found: Uncertainties, factor: float = 1.0) -> Calibration:
    """Measure how well the spreads describe the errors, under Student's t with M − 1 degrees of freedom.

    Of few members normal quantiles would be too narrow: perfect ones of M = 5 cover 63 % and 88 %, not 68 % and 95 %.
    The expected mean z² is (1 + 1/M)(M − 1)/(M − 3).

    Sources: Kuleshov et al., PMLR 80, 2796 (2018), arXiv:1807.00263 (coverage curve); CRPS of Student's t: Jordan et
    al., J. Stat. Softw. 90, 12 (2019), doi:10.18637/jss.v090.i12.

    Args:
        found: on test frames.
        factor: from `scale_factor` on calibration frames.
    """
    members, df = found.num_members, found.num_members - 1
    spreads, absolute = factor * found.spreads, np.abs(found.errors)
    z = absolute / spreads
    expected, observed = coverage_curve(found, factor)
    varies = np.ptp(absolute) > 0 and np.ptp(spreads) > 0
    certain = np.argsort(spreads, kind="stable")[: math.ceil((1 - DISCARDED) * len(spreads))]
    return Calibration(
        factor=factor,
        coverage_68=float(np.mean(z <= t.ppf((1 + 0.68) / 2, df))),
        coverage_95=float(np.mean(z <= t.ppf((1 + 0.95) / 2, df))),
        miscalibration_area=float(np.trapezoid(np.abs(observed - expected), expected)),
        nll=float(np.mean(np.log(spreads) - t.logpdf(z, df))),
        crps=float(np.mean(spreads * _crps(z, df))),
        sharpness=math.sqrt(float(np.mean(spreads**2))),
        mean_z2=float(np.mean(z**2)),
        expected_z2=(1 + 1 / members) * (members - 1) / (members - 3),
        spearman=float(spearmanr(absolute, spreads).statistic) if varies else None,
        mae=float(absolute.mean()),
        mae_without_uncertain=float(absolute[certain].mean()),
    )


def coverage_curve(found: Uncertainties, factor: float = 1.0) -> tuple[FloatArray, FloatArray]:
    """Return nominal and observed coverage of central intervals, each of shape (101,)."""
    expected = np.linspace(0, 1, 101)
    inside = 2 * t.cdf(np.abs(found.errors) / (factor * found.spreads), found.num_members - 1) - 1
    return expected, np.searchsorted(np.sort(inside), expected, side="right") / len(inside)


def error_by_spread(found: Uncertainties, factor: float = 1.0, num_bins: int = 10) -> Bins:
    """Sort values by spread, and return root mean squares of spreads and errors in bins of equal counts."""
    parts = [part for part in np.array_split(np.argsort(found.spreads, kind="stable"), num_bins) if len(part)]
    spreads = np.array([math.sqrt(np.mean((factor * found.spreads[part]) ** 2)) for part in parts])
    errors = np.array([math.sqrt(np.mean(found.errors[part] ** 2)) for part in parts])
    return Bins(spreads, errors, np.array([len(part) for part in parts]))


def _crps(z: FloatArray, df: int) -> FloatArray:
    constant = 2 * math.sqrt(df) / (df - 1) * math.exp(betaln(0.5, df - 0.5) - 2 * betaln(df / 2, 0.5))
    score: FloatArray = z * (2 * t.cdf(z, df) - 1) + 2 * t.pdf(z, df) * (df + z**2) / (df - 1) - constant
    return score
