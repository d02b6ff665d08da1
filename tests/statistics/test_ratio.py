import math

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.statistics.blocks import block_mean
from potbench.statistics.interval import Basis, half_width
from potbench.statistics.ratio import FrameErrors, fold_ratio, geometric_mean, molecule_ratio, ratio
from tests.statistics.simulation import coverage

FIRST = FrameErrors(np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]]))
SECOND = FrameErrors(np.array([[2.0, 2.0], [4.0, 4.0], [6.0, 6.0]]))
NUM_FRAMES = 150
FRAMES = np.arange(NUM_FRAMES)


def cells(random, trainings, between_trainings, means=(10, 8), paired=0.0):
    """Errors of two architectures on common test frames, some of which are harder for all."""
    hard = random.normal(size=NUM_FRAMES)
    shared = random.normal(0, paired, (max(trainings), 1)) if paired else np.zeros((max(trainings), 1))
    for number, mean in zip(trainings, means, strict=True):
        training = random.normal(0, between_trainings, (number, 1)) + shared[:number] * mean
        yield FrameErrors(
            mean
            + hard
            + training
            + random.normal(0, 0.5, NUM_FRAMES)  # harder for this architecture
            + random.normal(0, 1, (number, NUM_FRAMES))
        )


def test_two_architectures_worked_by_hand():
    found = ratio(FIRST, SECOND, np.array([0, 1]))
    # means 2.5 and 4; relative errors of trainings 0.6, 1, 1.4 and 0.5, 1, 1.5; d = −0.2, 0.2
    assert found.log_ratio == pytest.approx(math.log(0.625))
    assert [(source.variance, source.number) for source in found.trainings] == [
        (pytest.approx(0.16), 3),
        (pytest.approx(0.25), 3),
    ]
    assert [source.variance_of_mean for source in found.frames] == pytest.approx([2 * 0.08 / 4])
    width = half_width(found.sources)
    # V = 0.41/3 + 0.04, df = V² / (0.16²/18 + 0.25²/18 + 0.04²) = 4.8058, t = 2.6025
    assert width == pytest.approx(2.6025 * (0.41 / 3 + 0.04) ** 0.5, rel=1e-3)


def test_paired_trainings_worked_by_hand():
    # relative errors of pairs differ by 0.1, 0, −0.1
    (source,) = ratio(FIRST, SECOND, np.array([0, 1]), paired=True).trainings
    assert (source.variance, source.number) == (pytest.approx(0.01), 3)


@pytest.mark.parametrize(
    ("trainings", "spread"), [((3, 3), 0.0), ((3, 3), 0.3), ((3, 5), 0.1), ((5, 5), 0.1), ((10, 10), 0.3)]
)
def test_the_interval_covers_95_percent_or_a_little_more(trainings, spread):
    random = np.random.default_rng(8)
    intervals = [ratio(*cells(random, trainings, spread), FRAMES).interval() for _ in range(800)]
    assert 0.935 < coverage(intervals, 10 / 8) < 0.995


@pytest.mark.parametrize(("spread", "highest"), [(0.1, 0.90), (0.3, 0.65)])
def test_an_interval_over_frames_alone_would_be_too_short(spread, highest):
    random = np.random.default_rng(9)
    ratios = [ratio(*cells(random, (3, 3), spread), FRAMES) for _ in range(500)]
    assert np.mean([abs(one.log_ratio - math.log(10 / 8)) <= half_width(one.frames) for one in ratios]) < highest


def test_pairs_decide_where_trainings_differ_together():
    random = np.random.default_rng(10)
    drawn = [list(cells(random, (5, 5), 0.05, paired=0.05)) for _ in range(500)]
    paired = [ratio(*two, FRAMES, paired=True).interval() for two in drawn]
    unpaired = [ratio(*two, FRAMES).interval() for two in drawn]
    assert 0.935 < coverage(paired, 10 / 8) < 0.995
    assert np.median([i.high - i.low for i in paired]) < 0.5 * np.median([i.high - i.low for i in unpaired])


def test_frames_of_one_block_count_once():
    random = np.random.default_rng(11)
    first, second = (FrameErrors(np.repeat(cell.errors, 4, axis=1)) for cell in cells(random, (3, 3), 0.1))
    once = ratio(*(FrameErrors(cell.errors[:, ::4]) for cell in (first, second)), FRAMES)
    repeated = ratio(first, second, np.repeat(FRAMES, 4))
    assert repeated.interval() == pytest.approx(once.interval())


def test_weights_give_the_error_per_force_component():
    weights = np.array([9.0, 27.0])
    found = ratio(FIRST, SECOND, np.array([0, 1]), weights)
    assert found.log_ratio == pytest.approx(math.log((2 * 9 + 3 * 27) / 36 / 4))
    assert found.frames[0].variance_of_mean == pytest.approx(
        block_mean(np.array([2 / 2.75 - 1, 3 / 2.75 - 1]), np.array([0, 1]), weights).source.variance_of_mean
    )


def test_the_ratio_of_rmse_is_the_root_of_that_of_mean_squares():
    found = ratio(*cells(np.random.default_rng(12), (3, 3), 0.1), FRAMES)
    low, high = found.interval()
    assert found.root().interval() == pytest.approx((low**0.5, high**0.5))


def test_the_other_way_round_the_ratio_is_inverse():
    first, second = cells(np.random.default_rng(13), (3, 4), 0.1)
    low, high = ratio(first, second, FRAMES).interval()
    assert ratio(second, first, FRAMES).interval() == pytest.approx((1 / high, 1 / low))
    assert ratio(first, second, FRAMES).inverse().interval() == pytest.approx((1 / high, 1 / low))


def test_p_value_and_interval_agree():
    found = ratio(*cells(np.random.default_rng(14), (3, 4), 0.5, means=(8.4, 8)), FRAMES)
    assert 0.001 < found.p_value() < 0.9
    assert found.interval(1 - found.p_value()).low == pytest.approx(1)


def test_an_architecture_equals_itself():
    first, _ = cells(np.random.default_rng(15), (3, 3), 0.1)
    found = ratio(first, first, FRAMES, paired=True)
    assert found.p_value() == 1
    assert found.interval() == (1, 1)


ONE, TWO, THREE = (np.random.default_rng(16).uniform(1, 2, (number, NUM_FRAMES)) for number in (1, 2, 3))


@pytest.mark.parametrize(
    ("first", "diverged", "num_blocks", "basis", "shown"),
    [
        (THREE, 0, 10, Basis.TRAININGS, True),
        (np.repeat(ONE, 3, axis=0), 0, 10, Basis.TRAININGS, True),
        (ONE, 0, 10, Basis.ONE_TRAINING, True),
        (ONE, 0, 9, Basis.ONE_TRAINING, False),
        (TWO, 0, 10, Basis.TWO_TRAININGS, False),
        (THREE, 1, 10, Basis.DIVERGED, False),
        (THREE, 0, 9, Basis.TOO_CORRELATED, False),
        (THREE, 0, 1, Basis.TOO_CORRELATED, False),
    ],
)
def test_the_weaker_of_two_says_what_the_ratio_rests_on(first, diverged, num_blocks, basis, shown):
    blocks = FRAMES * num_blocks // NUM_FRAMES
    for two in (
        (FrameErrors(first, diverged), FrameErrors(THREE + 1)),
        (FrameErrors(THREE), FrameErrors(first + 1, diverged)),
    ):
        found = ratio(*two, blocks)
        assert found.basis is basis
        assert (found.interval() is not None) == shown
        assert (found.p_value() < 1) == basis.decides
        assert (not found.trainings) == (basis is Basis.ONE_TRAINING)


def test_trainings_without_chance_leave_the_frames():
    same = [FrameErrors(np.repeat(ONE + shift, 2, axis=0)) for shift in (0, 1)]
    found = ratio(*same, FRAMES)
    assert (found.basis, found.trainings) == ("frames only", ())
    assert found.interval() == ratio(*(FrameErrors(cell.errors[:1]) for cell in same), FRAMES).interval()


@pytest.mark.parametrize(
    ("first", "second", "paired", "reason"),
    [
        (THREE * np.nan, THREE, False, "first are not finite"),
        (THREE, np.zeros_like(THREE), False, "without errors has no ratio"),
        (THREE[:0], THREE, False, "without errors has no ratio"),
        (THREE, TWO, True, "3 and 2 trainings are no pairs"),
    ],
)
def test_what_has_no_ratio_is_refused(first, second, paired, reason):
    with pytest.raises(SettingError, match=reason):
        ratio(FrameErrors(first), FrameErrors(second), FRAMES, paired=paired)


def splits_of_one_dataset(random, num_splits, num_frames=100):
    """Errors of two equally good fits, each seeing one of two equally important features, on random 80/20 splits."""
    features = random.normal(size=(2, num_frames))
    labels = features.sum(axis=0) + random.normal(size=num_frames)
    order = random.permuted(np.tile(np.arange(num_frames), (num_splits, 1)), axis=1)
    test, train = order[:, : num_frames // 5], order[:, num_frames // 5 :]
    for feature in features:
        slope = (feature[train] * labels[train]).sum(axis=1) / (feature[train] ** 2).sum(axis=1)
        yield np.abs(labels[test] - slope[:, None] * feature[test]).mean(axis=1)


def test_random_splits_of_one_dataset_are_not_independent():
    random = np.random.default_rng(17)
    ratios = [fold_ratio(*splits_of_one_dataset(random, 15), 80, 20) for _ in range(800)]
    (corrected, naive) = (
        np.mean([one.p_value() < 0.05 for one in ratios]),
        np.mean([abs(one.log_ratio) > half_width([one.trainings[0]._replace(correlation=0)]) for one in ratios]),
    )
    assert naive > 0.28
    assert 0.03 < corrected < 0.08


def test_folds_worked_by_hand():
    found = fold_ratio(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 3.0]), 80, 20)
    # relative errors 0.5, 1, 1.5 and 2/3, 4/3, 1 differ by −1/6, −1/3, 1/2
    assert found.log_ratio == pytest.approx(math.log(2 / 3))
    variance = (1 / 36 + 1 / 9 + 1 / 4) / 2
    assert half_width(found.sources) == pytest.approx(4.302653 * ((1 / 3 + 1 / 4) * variance) ** 0.5, rel=1e-5)


@pytest.mark.parametrize(("splits", "basis"), [(1, Basis.ONE_TRAINING), (2, Basis.TWO_TRAININGS)])
def test_one_or_two_folds_have_no_interval(splits, basis):
    found = fold_ratio(np.arange(1.0, splits + 1), np.ones(splits), 80, 20)
    assert (found.basis, found.interval(), found.p_value()) == (basis, None, 1)


def test_the_interval_of_grouped_folds_covers_95_percent_over_molecules():
    random = np.random.default_rng(18)
    molecules = np.repeat(np.arange(16), 30)
    intervals = []
    for _ in range(800):
        hard, other = random.normal(0, 0.5, (2, 16))[:, molecules]
        first, second = (5 + hard + random.normal(size=len(molecules)) for _ in range(2))
        intervals.append(molecule_ratio(first, second + other, molecules).interval())
    assert 0.92 < coverage(intervals, 1) < 0.98
    assert molecule_ratio(first, second, molecules).basis is Basis.MOLECULES
    assert molecule_ratio(first, second, molecules // 2).basis is Basis.TOO_CORRELATED


def test_the_geometric_mean_over_datasets_covers_95_percent():
    random = np.random.default_rng(19)
    means = [(10, 8), (6, 8), (9, 9)]
    drawn = [[ratio(*cells(random, (3, 3), 0.2, two), FRAMES) for two in means] for _ in range(400)]
    found = [geometric_mean(ratios) for ratios in drawn]
    assert 0.935 < coverage([one.interval() for one in found], (10 / 8 * 6 / 8) ** (1 / 3)) < 0.995
    assert {one.basis for one in found} == {Basis.TRAININGS}
    one_training = ratio(FrameErrors(ONE), FrameErrors(THREE), FRAMES)
    assert geometric_mean([drawn[0][0], one_training]).basis is Basis.ONE_TRAINING


def test_the_geometric_mean_of_one_dataset_is_its_ratio():
    found = ratio(*cells(np.random.default_rng(20), (3, 3), 0.1), FRAMES)
    assert geometric_mean([found]) == found
    with pytest.raises(SettingError, match="expected one or more"):
        geometric_mean([])
