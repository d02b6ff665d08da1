from collections.abc import Callable, Iterator

import numpy as np
import pytest

from potbench.results.tested_folds import TestedFolds, mean_over_folds, ratio_over_folds
from potbench.statistics.interval import Basis, half_width
from potbench.statistics.ranking import rank
from potbench.statistics.ratio import FrameErrors
from potbench.statistics.verdict import Verdict

STUDIES = 200
MOLECULES = 16
Study = tuple[dict[str, FrameErrors], TestedFolds]


def of_molecules(trainings: int) -> Iterator[Study]:
    """Equal architectures on 16 molecules in 5 folds: molecules are harder for some, trainings better and worse."""
    random = np.random.default_rng(19)
    molecule = np.repeat(np.arange(MOLECULES), 20)
    fold = molecule * 5 // MOLECULES
    folds = TestedFolds(fold, molecule, 200, trainings)
    for _ in range(STUDIES):
        hard = random.normal(0, 0.3, MOLECULES)
        cells = {}
        for name in ("a", "b"):
            of_molecule = hard + random.normal(0, 0.2, MOLECULES)
            of_training = random.normal(0, 0.05, (trainings, 5))
            chance = random.gamma(4.0, 1 / 4.0, (trainings, len(molecule)))
            cells[name] = FrameErrors(np.exp(of_molecule[molecule] + of_training[:, fold]) * chance)
        yield cells, folds


def of_frames(trainings: int) -> Iterator[Study]:
    """Two lines through the origin, each of another of two equally good features, fitted to all folds but one."""
    random = np.random.default_rng(20)
    fold = np.repeat(np.arange(5), 20)
    folds = TestedFolds(fold, None, 80)
    for _ in range(STUDIES):
        features = random.normal(size=(2, 100))
        labels = features.sum(axis=0) + random.normal(size=100)
        cells = {}
        for name, feature in zip("ab", features, strict=True):
            slopes = np.array(
                [feature[fold != f] @ labels[fold != f] / (feature[fold != f] ** 2).sum() for f in range(5)]
            )
            cells[name] = FrameErrors(np.abs(labels - slopes[fold] * feature)[None])
        yield cells, folds


def of_many_molecules(trainings: int) -> Iterator[Study]:
    """1000 molecules of a frame each, in 5 folds: trainings of a fold are what varies."""
    random = np.random.default_rng(21)
    fold = np.repeat(np.arange(5), 200)
    folds = TestedFolds(fold, np.arange(1000), 800, trainings)
    for _ in range(STUDIES):
        cells = {}
        for name in ("a", "b"):
            of_training = random.normal(0, 0.05, (trainings, 5))
            cells[name] = FrameErrors(np.exp(of_training[:, fold]) * random.gamma(4.0, 1 / 4.0, (trainings, 1000)))
        yield cells, folds


@pytest.mark.parametrize(
    ("studies", "trainings", "basis"),
    [
        (of_molecules, 1, Basis.MOLECULES),
        (of_molecules, 2, Basis.MOLECULES),
        (of_molecules, 3, Basis.MOLECULES),
        (of_many_molecules, 1, Basis.FOLDS),
        (of_many_molecules, 3, Basis.MOLECULES),
        (of_frames, 1, Basis.FOLDS),
    ],
)
def test_equal_architectures_are_seldom_called_better(
    studies: Callable[[int], Iterator[Study]], trainings: int, basis: Basis
) -> None:
    better = 0
    for cells, folds in studies(trainings):
        bases = {name: mean_over_folds(cell, folds).basis for name, cell in cells.items()}
        assert set(bases.values()) == {basis}
        ranking = rank(bases, {("a", "b"): ratio_over_folds(cells["a"], cells["b"], folds)})
        better += any(Verdict.BETTER in each.verdict for each in ranking.comparisons)
    assert better / STUDIES <= 0.08


def test_a_real_difference_is_seen() -> None:
    for cells, folds in list(of_molecules(1))[:10]:
        halved = FrameErrors(cells["a"].errors / 4)
        assert ratio_over_folds(halved, cells["b"], folds).interval().high < 1


def test_the_mean_over_folds_worked_by_hand() -> None:
    folds = TestedFolds(np.repeat([0, 1, 2], 10), None, 20)
    found = mean_over_folds(FrameErrors(np.repeat([1.0, 2.0, 6.0], 10)[None]), folds)
    # the variance of 1, 2 and 6 is 7, and 10 test frames are half of 20 training frames
    half = 4.302653 * ((1 / 3 + 1 / 2) * 7) ** 0.5
    assert (found.values, found.mean, found.basis) == ((1.0, 2.0, 6.0), 3.0, Basis.FOLDS)
    assert found.interval.high == pytest.approx(3 + half, rel=1e-5)
    assert found.interval.low == 0


def test_the_root_of_a_mean_of_squares_varies_by_a_quarter_of_the_mean() -> None:
    folds = TestedFolds(np.repeat(np.arange(3), 10), None, 20)
    squares = FrameErrors(np.repeat([15.0, 16.0, 17.0], 10)[None])
    found = mean_over_folds(squares, folds, squared=True)
    assert found.mean == 4
    width = mean_over_folds(squares, folds).interval.high - 16
    assert found.interval.high - 4 == pytest.approx(width / 8)


def test_trainings_vary_what_the_frames_do_not() -> None:
    cells, folds = next(of_molecules(3))
    ratio = ratio_over_folds(cells["a"], cells["b"], folds)
    assert len(ratio.trainings) == 2
    assert half_width(ratio.sources) > half_width(ratio.frames)


def test_fewer_than_ten_molecules_are_too_correlated() -> None:
    folds = TestedFolds(np.repeat(np.arange(3), 30), np.repeat(np.arange(9), 10), 60)
    cells = [FrameErrors(np.random.default_rng(seed).gamma(4.0, 1.0, (1, 90))) for seed in (0, 1)]
    assert mean_over_folds(cells[0], folds).basis is Basis.TOO_CORRELATED
    assert mean_over_folds(cells[0], folds).interval is None
    assert ratio_over_folds(*cells, folds).basis is Basis.TOO_CORRELATED
