"""Folds of which each tests other frames: errors and ratios over all of them, and on what their intervals rest."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from potbench.statistics.blocks import FEWEST_BLOCKS, block_mean, block_sums
from potbench.statistics.interval import (
    FEWEST_TRAININGS,
    Basis,
    Interval,
    Source,
    TrainingMean,
    half_width,
    mean_over_trainings,
)
from potbench.statistics.ratio import FrameErrors, Ratio, fold_ratio, molecule_ratio, ratio
from potbench.structures import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class TestedFolds:
    """Folds that are compared together: each frame is predicted by a training that did not see it.

    What one fold shares is the training that predicts it. It does not matter beside few molecules, and shows where
    every fold was trained three times or more; where many molecules have it in common, folds are what varies.

    Args:
        fold: shape (frames,), the fold of each test frame, from 0.
        molecule: shape (frames,), the molecule of each; None where folds are not of whole molecules.
        num_train: training frames of a fold.
        trainings: of each fold, the fewest of all architectures.
        lacking: what is compared on fewer folds than there are: a sentence, empty for none.
    """

    fold: IntArray
    molecule: IntArray | None
    num_train: int
    trainings: int = 1
    lacking: str = ""

    __test__ = False  # pytest would take it for a test

    @property
    def number(self) -> int:
        """Return how many folds there are."""
        return len(np.unique(self.fold))

    @property
    def by_molecule(self) -> bool:
        """Tell whether intervals rest on molecules, and not on folds."""
        if self.molecule is None:
            return False
        few = len(np.unique(self.molecule)) < FEWEST_BLOCKS * self.number
        return few or self.trainings >= FEWEST_TRAININGS

    @property
    def blocks(self) -> IntArray:
        """Return what intervals rest on: molecule or fold of each frame, shape (frames,)."""
        return self.molecule if self.by_molecule and self.molecule is not None else self.fold

    @property
    def text(self) -> str:
        """Return what intervals rest on, for readers: 16 molecules, 5 folds."""
        return f"{len(np.unique(self.blocks)):,} {'molecules' if self.by_molecule else 'folds'}"

    @property
    def test_share(self) -> float:
        """Return the number of test frames of a fold, divided by that of its training frames."""
        return len(self.fold) / self.number / self.num_train

    def of(self, chosen: BoolArray) -> TestedFolds:
        """Return the same of some frames, shape (frames,)."""
        molecule = None if self.molecule is None else self.molecule[chosen]
        return replace(self, fold=self.fold[chosen], molecule=molecule)

    def means(self, errors: FloatArray, weights: FloatArray | None = None) -> FloatArray:
        """Return the error of each fold, shape (folds,), from those of frames with their weights, shape (frames,)."""
        sums = block_sums(errors, self.fold, weights)
        return sums.values / sums.weights


def mean_over_folds(
    cell: FrameErrors, folds: TestedFolds, weights: FloatArray | None = None, squared: bool = False
) -> TrainingMean:
    """Average over frames of all folds, with an interval over molecules or folds.

    Over molecules, V is that of `block_mean`, and where every fold was trained three times or more that with the
    trainings is added. Over J folds, V = (1/J + n_test/n_train) · s², with J − 1 degrees of freedom.

    Source: Nadeau and Bengio, Mach. Learn. 52, 239 (2003), doi:10.1023/A:1024068626366.

    Args:
        cell: errors, a row for each training of all folds.
        folds: which frames are in which.
        weights: shape (frames,), as in `block_mean`.
        squared: whether errors are squares, and the root is taken of means.

    Returns:
        The mean, with the values of each fold of each training.
    """
    if not len(cell.errors):
        return mean_over_trainings(np.empty(0), cell.num_diverged)
    values = np.concatenate([folds.means(errors, weights) for errors in cell.errors])
    averaged = cell.errors.mean(axis=0)
    if folds.by_molecule:
        over = block_mean(averaged, folds.blocks, weights)
        mean, sources, basis = over.mean, [over.source], _of_molecules(over.source.number)
        if len(cell.errors) >= FEWEST_TRAININGS:
            sources.append(Source(float(np.var(cell.training_means(weights), ddof=1)), len(cell.errors)))
    else:
        of_folds = folds.means(averaged, weights)
        mean, basis = float(of_folds.mean()), Basis.FOLDS
        sources = [Source(float(np.var(of_folds, ddof=1)), len(of_folds), folds.test_share)]
    if squared:
        # V(RMSE) = V(MSE) / (4 MSE); without any error nothing varies
        sources = [each._replace(variance=each.variance / (4 * mean or 1.0)) for each in sources]
        mean, values = math.sqrt(mean), np.sqrt(values)
    if cell.num_diverged:
        basis = Basis.DIVERGED
    interval = None
    if basis.decides:
        width = half_width(sources)
        interval = Interval(max(mean - width, 0.0), mean + width)
    return TrainingMean(tuple(values.tolist()), mean, interval, basis, cell.num_diverged)


def ratio_over_folds(
    first: FrameErrors,
    second: FrameErrors,
    folds: TestedFolds,
    weights: FloatArray | None = None,
    paired: bool = False,
) -> Ratio:
    """Compare two architectures over the frames of all folds: over molecules or, corrected, over folds.

    Trainings of one fold are averaged; over molecules, three or more of each fold are a source of their own.

    Args:
        first: errors of one architecture, a row for each training of all folds.
        second: the same of the other.
        folds: which frames are in which.
        weights: shape (frames,), as in `block_mean`.
        paired: as in `ratio`.

    Raises:
        SettingError: as in `ratio`.
    """
    means = first.errors.mean(axis=0), second.errors.mean(axis=0)
    lost = first.num_diverged + second.num_diverged
    if not folds.by_molecule:
        one, other = (folds.means(errors, weights) for errors in means)
        found = fold_ratio(one, other, folds.num_train, round(len(folds.fold) / folds.number))
    elif min(len(first.errors), len(second.errors)) >= FEWEST_TRAININGS:
        found = ratio(first, second, folds.blocks, weights, paired)
        found = replace(found, basis=_of_molecules(found.frames[0].number))
    else:
        found = molecule_ratio(*means, folds.blocks, weights)
    return replace(found, basis=Basis.DIVERGED) if lost else found


def _of_molecules(number: int) -> Basis:
    return Basis.MOLECULES if number >= FEWEST_BLOCKS else Basis.TOO_CORRELATED
