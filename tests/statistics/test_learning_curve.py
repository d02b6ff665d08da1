import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.statistics.interval import Basis, mean_over_trainings
from potbench.statistics.learning_curve import Scope, data_efficiency, learning_curve, scope
from tests.statistics.simulation import coverage

SIZES = np.array([100, 200, 400, 800])
MANY = 100 * 2 ** np.arange(8)


def curves(random, number, sizes=SIZES, exponent=0.5, floor=0.0, noise=0.05):
    """Errors of shape (trainings, sizes) whose exponents vary by 0.05."""
    exponents = exponent + 0.05 * random.normal(size=(number, 1))
    errors = 20 * (sizes / sizes[0]) ** -exponents + floor
    return errors * np.exp(noise * random.normal(size=errors.shape))


def test_two_sizes_worked_by_hand():
    found = learning_curve(np.array([100, 400]), np.array([[8.0, 4.0], [16.0, 4.0], [8.0, 2.0]]))
    assert found.exponent.values == pytest.approx((0.5, 1.0, 1.0))
    assert found.exponent.interval == mean_over_trainings(np.array(found.exponent.values)).interval
    assert found.errors == pytest.approx(np.cbrt([8 * 16 * 8, 4 * 4 * 2]))
    assert found.largest.values == (4, 4, 2)
    assert found.floor is None
    assert found.prefactor * 100**-found.exponent.mean == pytest.approx(found.errors[0])


@pytest.mark.parametrize("trainings", [3, 5])
def test_the_interval_of_the_exponent_covers_95_percent(trainings):
    random = np.random.default_rng(28)
    found = [learning_curve(SIZES, curves(random, trainings)).exponent.interval for _ in range(1500)]
    assert 0.935 < coverage(found, 0.5) < 0.965


@pytest.mark.parametrize(
    ("trainings", "diverged", "basis"),
    [(1, 0, "one training"), (2, 0, "two trainings"), (3, 1, "some trainings diverged")],
)
def test_few_or_diverged_trainings_give_an_exponent_without_interval(trainings, diverged, basis):
    found = learning_curve(SIZES, curves(np.random.default_rng(29), trainings), diverged)
    assert (found.exponent.basis, found.exponent.interval) == (basis, None)
    assert (found.largest.basis, found.largest.num_diverged) == (basis, diverged)


def test_a_floor_is_found():
    found = learning_curve(MANY, curves(np.random.default_rng(30), 5, MANY, floor=4.0, noise=0.02)).floor
    assert found.floor == pytest.approx(4, rel=0.15)
    assert found.exponent == pytest.approx(0.5, abs=0.1)
    assert found.prefactor * 100**-found.exponent == pytest.approx(20, rel=0.1)


def test_a_floor_that_is_not_there_is_seldom_found():
    random = np.random.default_rng(31)
    errors = 20 * (MANY / 100) ** -0.5 * np.exp(0.05 * random.normal(size=(300, 3, len(MANY))))
    assert np.mean([learning_curve(MANY, one).floor is not None for one in errors]) < 0.03
    assert learning_curve(MANY, 20 * (MANY[None] / 100) ** -0.5).floor is None


def test_fewer_than_seven_sizes_show_no_floor():
    errors = 20 * (MANY[None] / 100) ** -0.5 + 4
    assert learning_curve(MANY[:7], errors[:, :7]).floor is not None
    assert learning_curve(MANY[:6], errors[:, :6]).floor is None


def test_frames_for_an_error_worked_by_hand():
    # errors 16, 8, 4, 2: exponent 1
    found = learning_curve(SIZES, 1600 / SIZES[None])
    assert found.frames_for(8) == pytest.approx(200)
    assert found.frames_for(8 / 2**0.5) == pytest.approx(200 * 2**0.5)
    assert found.frames_for(1.1) == pytest.approx(1600 / 1.1)
    assert found.frames_for(0.9) is None
    assert found.frames_for(20) == pytest.approx(80)
    assert found.frames_for(33) is None


def test_a_size_that_does_worse_than_a_smaller_one_is_no_way_to_reach_an_error():
    found = learning_curve(SIZES, np.array([[8.0, 4.0, 6.0, 2.0]]))
    assert found.frames_for(4) == pytest.approx(200)
    assert 400 < found.frames_for(3) < 800
    assert learning_curve(SIZES, np.array([[1.0, 2.0, 3.0, 4.0]])).frames_for(0.9) is None


def test_where_more_frames_gain_nothing_the_fewest_count():
    for errors in ([3.0, 2.0, 2.0, 2.0], [3.0, 2.0, 2.5, 2.6]):
        assert learning_curve(SIZES, np.array([errors])).frames_for(2.0) == pytest.approx(float(SIZES[1]))
    falling = learning_curve(SIZES, np.array([[3.0, 2.0, 2.0, 1.0]]))
    assert falling.frames_for(2.0) == pytest.approx(float(SIZES[1]))
    assert SIZES[2] < falling.frames_for(1.9) < SIZES[3]
    assert falling.frames_for(3.0) == float(SIZES[0])


def test_half_the_error_at_an_exponent_of_one_is_half_the_frames():
    better, worse = learning_curve(SIZES, 800 / SIZES[None]), learning_curve(SIZES, 1600 / SIZES[None])
    assert data_efficiency(worse, better) == pytest.approx(0.5)
    assert data_efficiency(better, worse) == pytest.approx(2)
    assert data_efficiency(better, learning_curve(SIZES, 1700 / SIZES[None])) is None


@pytest.mark.parametrize(("share", "covers"), [(0.8, 0.43), (0.5, 0.69), (0.1, 0.91), (0.01, 0.95)])
def test_trainings_that_draw_from_a_finite_pool_share_its_error(share, covers):
    random = np.random.default_rng(32)
    pool = 1000
    num_frames = int(share * pool)
    # the mean over frames that are drawn without replacement from a pool that was itself drawn
    common = random.normal(0, pool**-0.5, (4000, 1))
    own = random.normal(0, (1 / num_frames - 1 / pool) ** 0.5, (4000, 5))
    found = coverage([mean_over_trainings(one).interval for one in 10 + common + own], 10)
    assert found == pytest.approx(covers, abs=0.02)
    assert (scope(num_frames, pool) is Scope.ANY_FRAMES) == (found > 0.9)


def exponents_of_folds(random, number=5, trainings=3, num_frames=100):
    """Exponents of trainings of all folds, 0.5 on average: each test frame, and each training frame, changes them.

    Every fold trains on all frames that it does not test, of which two folds share three quarters.
    """
    tested, trained = random.normal(size=(2, number, num_frames // number))
    others = (trained.sum() - trained.sum(axis=1)) / (num_frames - num_frames // number)
    of_fold = 0.5 + tested.mean(axis=1) + others
    return (of_fold[:, None] + 0.02 * random.normal(size=(number, trainings))).ravel()


def test_over_folds_that_test_the_interval_allows_for_the_frames_they_share():
    random = np.random.default_rng(33)
    folds = np.repeat(np.arange(5), 3)
    errors = [20 * (SIZES / SIZES[0]) ** -exponents_of_folds(random)[:, None] for _ in range(1500)]
    naive = coverage([learning_curve(SIZES, each).exponent.interval for each in errors], 0.5)
    averaged = coverage([learning_curve(SIZES, each, 0, folds).exponent.interval for each in errors], 0.5)
    corrected = [learning_curve(SIZES, each, 0, folds, 0.25).exponent for each in errors]
    assert naive < 0.7
    assert averaged < 0.9
    assert 0.94 < coverage([each.interval for each in corrected], 0.5) < 0.985
    assert {each.basis for each in corrected} == {Basis.FOLDS}


def test_an_interval_over_folds_worked_by_hand():
    folds = np.array([0, 0, 1, 1, 2, 2])
    exponents = np.array([0.3, 0.5, 0.5, 0.7, 0.8, 0.8])
    found = learning_curve(SIZES, (SIZES[None] / 100) ** -exponents[:, None], 0, folds, 0.5).exponent
    assert found.values == pytest.approx((0.4, 0.6, 0.8))
    # t(0.975, 2) = 4.303, s = 0.2
    width = 4.3027 * 0.2 * (1 / 3 + 0.5) ** 0.5
    assert (found.mean, found.interval.low, found.interval.high) == pytest.approx((0.6, 0.6 - width, 0.6 + width), 1e-4)


@pytest.mark.parametrize(("folds", "basis"), [([0, 0, 0], "one training"), ([0, 1, 1], "two trainings")])
def test_trainings_on_one_or_two_folds_have_no_interval(folds, basis):
    errors = curves(np.random.default_rng(34), 3)
    for share in (0.0, 0.25):
        found = learning_curve(SIZES, errors, 0, np.array(folds), share).exponent
        assert (found.basis, found.interval) == (basis, None)


@pytest.mark.parametrize(
    ("sizes", "errors", "reason"),
    [
        ([100, 200], [[1.0, np.nan]], "1 of 2 errors are not finite"),
        ([100, 200], [[1.0, 0.0]], "errors above zero"),
        ([100, 200], [1.0, 2.0], "errors above zero"),
        ([100, 200], np.empty((0, 2)), "errors above zero"),
        ([200, 100], [[1.0, 2.0]], "two or more that ascend"),
        ([100], [[1.0]], "two or more that ascend"),
        ([100, 200, 300], [[1.0, 2.0]], "two or more that ascend"),
    ],
)
def test_what_is_no_learning_curve_is_refused(sizes, errors, reason):
    with pytest.raises(SettingError, match=reason):
        learning_curve(np.array(sizes), np.array(errors))
