"""The ratio of two architectures' errors on the same test frames, and how far it varies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from scipy.special import stdtr

from potbench.errors import SettingError
from potbench.statistics.blocks import FEWEST_BLOCKS, block_mean
from potbench.statistics.interval import (
    CONFIDENCE,
    Basis,
    Interval,
    Source,
    basis_of,
    degrees_of_freedom,
    half_width,
    require_finite,
)
from potbench.structures import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class FrameErrors:
    """Errors of the trainings of one cell on each test frame.

    Attributes:
        errors: shape (trainings, frames), absolute or squared, of the trainings that did not diverge.
        num_diverged: how many did.
    """

    errors: FloatArray
    num_diverged: int = 0

    def training_means(self, weights: FloatArray | None = None) -> FloatArray:
        """Return the error of each training, shape (trainings,), with weights of the frames of shape (frames,)."""
        means: FloatArray = np.average(self.errors, axis=1, weights=weights)
        return means

    def basis(self) -> Basis:
        """Tell what an interval over the trainings rests on."""
        return basis_of(self.errors.mean(axis=1), self.num_diverged)


@dataclass(frozen=True)
class Ratio:
    """Error of the first architecture over that of the second.

    Attributes:
        log_ratio: ln(m₁/m₂).
        trainings: its variation with the trainings, of both together when they are paired, else of each.
        frames: its variation with the test frames of each dataset; none where that with the trainings contains it.
        basis: what its interval rests on.
    """

    log_ratio: float
    trainings: tuple[Source, ...]
    frames: tuple[Source, ...]
    basis: Basis

    @property
    def sources(self) -> tuple[Source, ...]:
        """Return all sources of variation."""
        return self.trainings + self.frames

    def interval(self, confidence: float = CONFIDENCE) -> Interval | None:
        """Return exp(ln(m₁/m₂) ± t √V); None where the basis allows no interval."""
        fewest = min((source.number for source in self.frames), default=0)
        if not self.basis.decides and (self.basis is not Basis.ONE_TRAINING or fewest < FEWEST_BLOCKS):
            return None
        width = half_width(self.sources, confidence)
        return Interval(math.exp(self.log_ratio - width), math.exp(self.log_ratio + width))

    def p_value(self) -> float:
        """Return how often equal architectures would differ as much; 1 where the basis decides nothing."""
        if not self.basis.decides or self.log_ratio == 0:
            return 1.0
        variance = sum(source.variance_of_mean for source in self.sources)
        if variance == 0:
            return 0.0
        return 2 * float(stdtr(degrees_of_freedom(self.sources), -abs(self.log_ratio) / math.sqrt(variance)))

    def inverse(self) -> Ratio:
        """Return the error of the second architecture over that of the first."""
        return replace(self, log_ratio=-self.log_ratio)

    def root(self) -> Ratio:
        """Return the ratio of RMSEs, from that of mean squared errors."""
        return self._scaled(1 / 2)

    def with_trainings(self, number: int) -> Ratio:
        """Return what to expect of more or fewer trainings of each architecture."""
        return replace(self, trainings=tuple(source._replace(number=number) for source in self.trainings))

    def _scaled(self, factor: float) -> Ratio:
        def scaled(source: Source) -> Source:
            return source._replace(variance=source.variance * factor**2)

        trainings, frames = (tuple(map(scaled, sources)) for sources in (self.trainings, self.frames))
        return Ratio(self.log_ratio * factor, trainings, frames, self.basis)


def ratio(
    first: FrameErrors,
    second: FrameErrors,
    blocks: IntArray,
    weights: FloatArray | None = None,
    paired: bool = False,
) -> Ratio:
    """Compare two architectures on the same test frames.

    ln(m₁/m₂),   V = s₁²/(S₁ m₁²) + s₂²/(S₂ m₂²) + V_blocks(d),   d = e₁/m₁ − e₂/m₂ per frame, averaged over trainings

    with paired trainings var(m₁ₛ/m₁ − m₂ₛ/m₂)/S in place of the first two. What chance does to one frame in one
    training counts in both, so that the interval is a little too long rather than too short.

    Source: delta method; degrees of freedom as in `degrees_of_freedom`.

    Args:
        first: of F frames.
        second: of the same frames.
        blocks: shape (frames,), the block of independence of each frame.
        weights: shape (frames,), as in `block_mean`.
        paired: training s of both had the same training frames: the same fold, or the same draw.

    Raises:
        SettingError: an error is not finite, an architecture has no error at all or no training that finished, or
            paired trainings differ in number.
    """
    require_finite(ratio, first=first.errors, second=second.errors)
    for name, cell in {"first": first, "second": second}.items():
        if len(cell.errors) == 0 or not cell.errors.any():
            raise SettingError(ratio, name, cell, "errors above zero", "An architecture without errors has no ratio")
    if paired and len(first.errors) != len(second.errors):
        problem = f"{len(first.errors)} and {len(second.errors)} trainings are no pairs"
        raise SettingError(ratio, "paired", paired, "as many trainings of both", problem)
    means = [cell.training_means(weights) for cell in (first, second)]
    relative = [values / values.mean() for values in means]
    frames = block_mean(
        first.errors.mean(axis=0) / means[0].mean() - second.errors.mean(axis=0) / means[1].mean(), blocks, weights
    ).source
    basis = _weaker(first.basis(), second.basis())
    if basis.decides and frames.number < FEWEST_BLOCKS:
        basis = Basis.TOO_CORRELATED
    samples = [relative[0] - relative[1]] if paired else relative
    trainings = tuple(Source(float(np.var(values, ddof=1)), len(values)) for values in samples if len(values) > 1)
    if basis in (Basis.FRAMES, Basis.ONE_TRAINING):
        trainings = ()
    return Ratio(math.log(means[0].mean() / means[1].mean()), trainings, (frames,), basis)


def fold_ratio(first: FloatArray, second: FloatArray, num_train: int, num_test: int) -> Ratio:
    """Compare two architectures over folds or random splits whose test frames differ.

    V = (1/J + n_test/n_train) · s²,   df = J − 1

    The splits share training frames: without the second term, equal architectures differ at 5 % in 35 % of all studies.

    Source: Nadeau and Bengio, Mach. Learn. 52, 239 (2003), doi:10.1023/A:1024068626366.

    Args:
        first: shape (splits,), the error of one architecture on the test frames of each split.
        second: the same of the other, trained on the same frames.
        num_train: training frames of a split.
        num_test: test frames of a split.

    Raises:
        SettingError: an error is not finite, or the shapes differ.
    """
    require_finite(fold_ratio, first=first, second=second)
    if len(first) != len(second) or not (first.mean() > 0 and second.mean() > 0):
        raise SettingError(fold_ratio, "second", second, "as many errors as of the first, with means above zero")
    relative = first / first.mean() - second / second.mean()
    basis = {1: Basis.ONE_TRAINING, 2: Basis.TWO_TRAININGS}.get(len(relative), Basis.FOLDS)
    trainings: tuple[Source, ...] = ()
    if len(relative) > 1:
        trainings = (Source(float(np.var(relative, ddof=1)), len(relative), num_test / num_train),)
    return Ratio(math.log(first.mean() / second.mean()), trainings, (), basis)


def molecule_ratio(
    first: FloatArray, second: FloatArray, molecules: IntArray, weights: FloatArray | None = None
) -> Ratio:
    """Compare two architectures over grouped folds in which every molecule is tested once.

    Each frame is predicted by the training that did not see its molecule; the interval is Student's over molecules,
    and contains what the trainings vary where each molecule is a fold of its own. What molecules of one fold owe to
    their common training is missing; repeat all folds with other seeds, a row of `FrameErrors` each, and use `ratio`.

    Args:
        first: shape (frames,), errors of one architecture.
        second: shape (frames,), errors of the other.
        molecules: shape (frames,), the molecule of each frame.
        weights: shape (frames,), as in `block_mean`.

    Raises:
        SettingError: an error is not finite, or an architecture has none at all.
    """
    found = ratio(FrameErrors(first[None]), FrameErrors(second[None]), molecules, weights)
    few = found.frames[0].number < FEWEST_BLOCKS
    return replace(found, basis=Basis.TOO_CORRELATED if few else Basis.MOLECULES)


def geometric_mean(ratios: Sequence[Ratio]) -> Ratio:
    """Average the ratios of two architectures over datasets: the geometric mean, given these datasets.

    ln r = Σ ln r_D / D,   V = Σ V_D / D²

    Args:
        ratios: one per dataset, of the same two architectures.

    Raises:
        SettingError: there is none.
    """
    if not ratios:
        raise SettingError(geometric_mean, "ratios", ratios, "one or more")
    parts = [part._scaled(1 / len(ratios)) for part in ratios]
    basis = reduce(_weaker, (part.basis for part in parts))
    trainings = tuple(source for part in parts for source in part.trainings)
    frames = tuple(source for part in parts for source in part.frames)
    return Ratio(sum(part.log_ratio for part in parts), trainings, frames, basis)


def _weaker(first: Basis, second: Basis) -> Basis:
    return max(first, second, key=list(Basis).index)
