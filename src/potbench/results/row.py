"""The error of one architecture: its trainings, and what its mean rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from potbench.results.errors import Metric
from potbench.results.group import Training
from potbench.results.independence import Independence
from potbench.results.member import Member, Outcome
from potbench.statistics.blocks import block_mean
from potbench.statistics.interval import Interval, TrainingMean, fold_means, mean_over_trainings
from potbench.statistics.ratio import FrameErrors
from potbench.structures import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Row:
    """The error of an architecture.

    Args:
        architecture: its name.
        baseline: whether it only shows what the others must beat.
        mean: over its trainings.
        errors: of each training and frame; squared for an RMSE.
        trainings: that finished, in the order of the errors, each with a run for every fold that tests other frames.
        lost: runs that have no error: they diverged, or predict what is not finite.
        missing: trainings that were planned and are not there.
        alone: runs that finished on folds where others test other frames, and are in no training, since one diverged.
    """

    architecture: str
    baseline: bool
    mean: TrainingMean
    errors: FrameErrors
    trainings: tuple[Training, ...]
    lost: tuple[Member, ...]
    missing: int
    alone: int = 0

    @cached_property
    def independent(self) -> FrameErrors:
        """Return the errors of the trainings, averaged over those of one fold, which share their training frames."""
        folds = folds_of(self.trainings)
        return self.errors if folds is None else replace(self.errors, errors=fold_means(self.errors.errors, folds))

    @cached_property
    def draw(self) -> tuple[tuple[tuple[int | None, int, str], ...], ...]:
        """Return fold, training and training frames of each run of a training; of averaged ones, those of each fold."""
        averaged = folds_of(self.trainings) is not None
        found = [
            tuple(
                (member.label.fold, 0 if averaged else member.label.training, member.known.split.fingerprint)
                for member in training
            )
            for training in self.trainings
        ]
        return tuple(dict.fromkeys(sorted(found, key=str)) if averaged else found)

    @property
    def trained(self) -> str:
        """Return how many runs have errors: 2 of 3."""
        number = len(self.finished) + self.alone
        return f"{number} of {number + len(self.lost)}"

    @property
    def finished(self) -> tuple[Member, ...]:
        """Return the runs that finished, in the order of the values of the mean."""
        return tuple(member for training in self.trainings for member in training)


def folds_of(trainings: Sequence[Training]) -> IntArray | None:
    """Return the fold of each training, shape (trainings,), where several of one are to be averaged; None elsewhere.

    Where folds test other frames each, a training has a run for every one, and there is nothing to average; nor is
    there with one training of each fold, or with a single fold.

    Args:
        trainings: of an architecture.
    """
    folds = [training[0].label.fold for training in trainings if len(training) == 1]
    known = np.array([fold for fold in folds if fold is not None], dtype=np.int64)
    number = len(np.unique(known))
    return known if len(known) == len(trainings) and 1 < number < len(known) else None


def mean_of(
    trainings: Sequence[Training], cell: FrameErrors, metric: Metric, blocks: Independence, weights: FloatArray
) -> TrainingMean:
    """Average the error of an architecture over its trainings, those of one fold first.

    Args:
        trainings: that finished.
        cell: their errors.
        metric: the error.
        blocks: of the frames.
        weights: shape (frames,).
    """
    if not len(cell.errors):
        return mean_over_trainings(np.empty(0), cell.num_diverged)
    over_frames = block_mean(cell.errors.mean(axis=0), blocks.blocks, weights)
    values = cell.training_means(weights)
    if metric.squared:
        over_frames, values = over_frames.root(), np.sqrt(values)
    folds = folds_of(trainings)
    means = values if folds is None else fold_means(values, folds)
    found = replace(
        mean_over_trainings(means, cell.num_diverged, over_frames.interval()), values=tuple(values.tolist())
    )
    if found.interval is None:
        return found
    return replace(found, interval=Interval(max(found.interval.low, 0.0), found.interval.high))


def are_paired(first: Row, second: Row) -> bool:
    """Tell whether training s of both architectures had the same training frames, and others than training t.

    Trainings of one fold, which are averaged, are one such training.
    """
    frames = {tuple(fingerprint for *_, fingerprint in training) for training in first.draw}
    return first.draw == second.draw and len(frames) == len(first.draw) > 1


def lost_reason(member: Member) -> str:
    """Say why a training has no error."""
    return member.reason if member.outcome is Outcome.DIVERGED else "some of its predictions are not finite"
