import math
from statistics import NormalDist

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import t

from potbench.errors import SettingError
from potbench.statistics.calibration import (
    Uncertainties,
    calibration,
    coverage_curve,
    error_by_spread,
    scale_factor,
    uncertainties,
)


def ensemble(random, num_values, members=5, confidence=1.0):
    """True values and members' predictions that are as wrong as they are apart, or `confidence` times as wrong."""
    spread = np.exp(0.5 * random.normal(size=num_values))
    true = confidence * spread * random.normal(size=num_values)
    return uncertainties(true, spread * random.normal(size=(members, num_values)))


def test_four_members_worked_by_hand():
    found = uncertainties(np.array([1.0, 5.0]), np.array([[0.0, 2.0], [2.0, 2.0], [0.0, 4.0], [2.0, 4.0]]))
    assert found.errors.tolist() == [0, 2]
    assert found.spreads == pytest.approx([(4 / 3) ** 0.5] * 2)
    assert scale_factor(found) ** 2 == pytest.approx(4 / (8 / 3))
    measured = calibration(found, 2.0)
    # z = 0 and 2/√(16/3) = 0.866; t(0.84, 3) = 1.189
    assert measured.mean_z2 == pytest.approx(4 / (16 / 3) / 2)
    assert measured.sharpness == pytest.approx((16 / 3) ** 0.5)
    assert (measured.coverage_68, measured.coverage_95, measured.mae) == (1, 1, 1)
    assert measured.spearman is None
    assert measured.expected_z2 == pytest.approx(1.25 * 3)


@pytest.mark.parametrize("members", [4, 5, 10])
def test_perfect_members_are_calibrated_under_student_t(members):
    found = ensemble(np.random.default_rng(33), 40_000, members)
    factor = scale_factor(found)
    assert factor == pytest.approx((1 + 1 / members) ** 0.5, rel=0.03)
    after = calibration(found, factor)
    assert after.coverage_68 == pytest.approx(0.68, abs=0.01)
    assert after.coverage_95 == pytest.approx(0.95, abs=0.01)
    assert after.miscalibration_area < 0.01


def test_normal_quantiles_are_too_narrow_for_five_members():
    found = ensemble(np.random.default_rng(34), 40_000)
    z = np.abs(found.errors) / (scale_factor(found) * found.spreads)
    shares = [np.mean(z <= NormalDist().inv_cdf((1 + level) / 2)) for level in (0.68, 0.95)]
    assert shares == pytest.approx([0.63, 0.88], abs=0.015)


def test_the_mean_square_of_z_is_what_perfect_members_make_it_expect():
    found = calibration(ensemble(np.random.default_rng(35), 200_000, 10))
    assert found.mean_z2 == pytest.approx(found.expected_z2, rel=0.05)
    assert calibration(ensemble(np.random.default_rng(36), 10, 5)).expected_z2 == pytest.approx(2.4)


def test_the_factor_of_calibration_frames_mends_overconfident_members_on_test_frames():
    random = np.random.default_rng(37)
    factor = scale_factor(ensemble(random, 4000, confidence=3.0))
    found = ensemble(random, 4000, confidence=3.0)
    before, after = calibration(found), calibration(found, factor)
    assert factor == pytest.approx((9 + 1 / 5) ** 0.5, rel=0.1)
    assert before.coverage_95 < 0.75
    assert after.coverage_95 == pytest.approx(0.95, abs=0.02)
    assert after.miscalibration_area < 0.2 * before.miscalibration_area
    assert after.nll < before.nll
    assert after.crps < before.crps
    assert (after.factor, after.mae, after.spearman) == (factor, before.mae, before.spearman)
    assert after.sharpness == pytest.approx(factor * before.sharpness)


def test_scores_are_those_of_the_distribution():
    found = Uncertainties(np.array([1.3]), np.array([0.7]), 5, 0)
    measured = calibration(found, 2.0)
    predicted = t(4, scale=1.4)
    below = quad(lambda x: predicted.cdf(x) ** 2, -np.inf, 1.3)[0]
    above = quad(lambda x: predicted.sf(x) ** 2, 1.3, np.inf)[0]
    assert measured.crps == pytest.approx(below + above, rel=1e-6)
    assert measured.nll == pytest.approx(-predicted.logpdf(1.3))


def test_discarding_the_most_uncertain_tenth_lowers_the_error_where_spreads_rank_it():
    errors = np.arange(1.0, 11.0)
    ranked = calibration(Uncertainties(errors, errors / 2, 5, 0))
    assert (ranked.mae, ranked.mae_without_uncertain, ranked.spearman) == (5.5, 5.0, pytest.approx(1))
    reverse = calibration(Uncertainties(errors, errors[::-1], 5, 0))
    assert (reverse.mae_without_uncertain, reverse.spearman) == (6.0, pytest.approx(-1))


def test_the_coverage_curve_counts_errors_within_central_intervals():
    found = ensemble(np.random.default_rng(38), 500)
    expected, observed = coverage_curve(found, 1.5)
    for level in (0.25, 0.5, 0.9):
        inside = np.abs(found.errors) <= t.ppf((1 + level) / 2, 4) * 1.5 * found.spreads
        assert observed[expected == level] == pytest.approx(inside.mean())
    assert (expected[0], observed[-1]) == (0, 1)
    # no error at all lies within every interval
    assert (coverage_curve(Uncertainties(np.zeros(3), np.ones(3), 5, 0))[1] == 1).all()


def test_infinitely_wide_intervals_have_the_largest_miscalibration():
    found = ensemble(np.random.default_rng(39), 500)
    assert calibration(found, 1e9).miscalibration_area == pytest.approx(0.5, abs=0.01)
    assert calibration(found, 1e-9).miscalibration_area == pytest.approx(0.5, abs=0.01)


def test_bins_hold_equal_counts_and_right_spreads_lie_on_the_diagonal():
    found = ensemble(np.random.default_rng(40), 20_000, 20)
    bins = error_by_spread(found, scale_factor(found))
    assert bins.counts.tolist() == [2000] * 10
    assert (np.diff(bins.spreads) > 0).all()
    assert bins.errors == pytest.approx(bins.spreads, rel=0.2)
    assert len(error_by_spread(ensemble(np.random.default_rng(41), 3)).counts) == 3


def test_values_on_which_symmetry_makes_all_members_agree_are_left_out_and_counted():
    # the mean of six times 0.7 is not 0.7
    predicted = np.stack([np.full(6, 0.7), np.array([1.0, 2.0, 3.0, 4.0, 6.0, 8.0])], axis=1)
    found = uncertainties(np.array([0.7, 3.0]), predicted)
    assert found.num_certain == 1
    assert found.errors == pytest.approx([3 - 4])
    assert math.isfinite(calibration(found).nll)


@pytest.mark.parametrize(
    ("true", "predicted", "reason"),
    [
        (np.ones(2), np.ones((3, 2)), "An ensemble of 3"),
        (np.ones(3), np.ones((4, 2)), r"shape \(4, 2\), the true values \(3,\)"),
        (np.ones(2), np.ones((4, 2)), "All members predict the same"),
        (np.ones(0), np.ones((4, 0)), "All members predict the same"),
        (np.ones(2), np.full((4, 2), np.nan), "8 of 8 predicted are not finite"),
        (np.full(2, np.inf), np.ones((4, 2)), "2 of 2 true are not finite"),
    ],
)
def test_what_is_no_ensemble_is_refused(true, predicted, reason):
    with pytest.raises(SettingError, match=reason):
        uncertainties(true, predicted)
