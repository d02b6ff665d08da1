"""Architectures side by side: what each has for an error, and which differences are real."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from potbench.results.errors import ALL, Metric, RunErrors
from potbench.results.group import Group, Training
from potbench.results.independence import Independence, independence
from potbench.results.row import Row, are_paired, mean_of
from potbench.results.tested_folds import TestedFolds, mean_over_folds, ratio_over_folds
from potbench.statistics.interval import Interval
from potbench.statistics.ranking import Ranking, probability_best, rank
from potbench.statistics.ratio import FrameErrors, Ratio, ratio
from potbench.statistics.verdict import Comparison
from potbench.structures import BoolArray, FloatArray
from potbench.units import reported

MOST_COMPARED = 40
"""Architectures of which all pairs are compared."""


@dataclass(frozen=True, eq=False)
class Table:
    """Errors of all architectures of a group, in one metric, on one set of test frames.

    Args:
        group: of trainings.
        test_set: a named one, or all.
        metric: the error.
        rows: architecture → row, by error; those without any last.
        ranking: of all that have errors; None where there is nothing to compare, or too many for all pairs.
        best: architecture → how probable it is that it has the smallest error.
        frames: which of the test frames are in it, shape (frames,).
        independence: blocks of these.
        weights: of these, shape (chosen frames,).
        paired: pairs of architectures of which training s of both was trained on the same frames.
        folds: of these frames, where each fold tests others; None where all trainings test the same.
    """

    group: Group
    test_set: str
    metric: Metric
    rows: Mapping[str, Row]
    ranking: Ranking | None
    best: Mapping[str, float]
    frames: BoolArray
    independence: Independence
    weights: FloatArray
    paired: tuple[tuple[str, str], ...]
    folds: TestedFolds | None = None

    @property
    def unit(self) -> str:
        """Return the unit of the errors."""
        return self.metric.unit(self.group.energy_unit)

    @property
    def title(self) -> str:
        """Return what it is called: ethanol, 400 training frames, test set 600K."""
        return self.group.title + (f", test set {self.test_set}" if self.test_set != ALL else "")

    @property
    def num_frames(self) -> int:
        """Return how many test frames are in it."""
        return int(self.frames.sum())

    def comparison(self, first: str, second: str) -> Compared | None:
        """Return the error of the first over that of the second, and what can be said of it."""
        found = self.ranking.comparisons if self.ranking else ()
        for each in found:
            if (each.first, each.second) == (first, second):
                return Compared(each.ratio, each.interval, each)
            if (each.first, each.second) == (second, first):
                turned = each.interval and Interval(1 / each.interval.high, 1 / each.interval.low)
                return Compared(each.ratio.inverse(), turned, each)
        return None


class Compared(NamedTuple):
    """Two architectures, in the direction in which they were asked for.

    Attributes:
        ratio: error of the first over that of the second.
        interval: of the ratio; None where it has none.
        comparison: as it was decided, of the better over the worse.
    """

    ratio: Ratio
    interval: Interval | None
    comparison: Comparison


def judge(
    group: Group, test_set: str, metric: Metric, smallest_difference: float, decides: bool = True
) -> Table | None:
    """Compare the architectures of a group; None where no frame has what the metric asks for.

    Args:
        group: of trainings.
        test_set: a named one, or all.
        metric: the error.
        smallest_difference: relative difference that matters.
        decides: whether architectures are compared by this error; others are means alone.
    """
    size = reported(group.energy_unit)[1]
    chosen = group.test.of(test_set)
    values, weights = _values(group.whole, metric, size, chosen)
    # an unknown label is unknown to all; what one training alone lacks, it does not predict
    unknown = np.all([np.isnan(each) for each in values.values()], axis=0) if values else np.empty(0, dtype=bool)
    if not values or unknown.all():
        return None
    chosen = chosen.copy()
    chosen[chosen] = ~unknown
    weights = weights[~unknown]
    errors = {training: each[~unknown] for training, each in values.items() if np.isfinite(each[~unknown]).all()}
    trainings = group.trainings
    finished = {name: tuple(training for training in found if training in errors) for name, found in trainings.items()}
    cells = {
        name: FrameErrors(
            np.array([errors[training] for training in finished[name]]).reshape(-1, int(chosen.sum())),
            sum(training not in errors for training in found),
        )
        for name, found in trainings.items()
    }
    means = [cell.errors.mean(axis=0) for cell in cells.values() if len(cell.errors)]
    leakage = group.members[0].known.split.leakage
    folds = None if group.pool is None else group.pool.folds.of(chosen)
    if folds is None:
        blocks = independence(group.test, chosen, means, leakage is not None and leakage.molecules_seen == 0)
    else:
        blocks = Independence(folds.blocks, folds.text)
    rows = {
        name: Row(
            name,
            found[0][0].label.baseline,
            mean_over_folds(cells[name], folds, weights, metric.squared)
            if folds
            else mean_of(finished[name], cells[name], metric, blocks, weights),
            cells[name],
            finished[name],
            tuple(member for training in found if training not in errors for member in training),
            group.missing.get(name, 0),
            0 if group.pool is None else group.pool.alone.get(name, 0),
        )
        for name, found in trainings.items()
    }
    rows = dict(sorted(rows.items(), key=lambda item: (item[1].mean.mean is None, item[1].mean.mean or 0.0, item[0])))
    paired = tuple(pair for pair in combinations(rows, 2) if decides and are_paired(*(rows[name] for name in pair)))
    ranking = _ranking(rows, metric, blocks, weights, paired, smallest_difference, folds) if decides else None
    probable = {
        name: rows[name].independent
        for name in (ranking.order if ranking else ())
        if len(rows[name].independent.errors) > 1
    }
    # folds share training frames, and a bootstrap over them varies too little
    allowed = len(probable) > 1 and (folds is None or folds.by_molecule)
    best = probability_best(probable, blocks.blocks, weights) if allowed else {}
    return Table(group, test_set, metric, rows, ranking, best, chosen, blocks, weights, paired, folds)


def _values(
    errors: Mapping[Training, RunErrors], metric: Metric, size: float, chosen: BoolArray
) -> tuple[dict[Training, FloatArray], FloatArray]:
    found: dict[Training, FloatArray] = {}
    weights: FloatArray = np.empty(0)
    for training, each in errors.items():
        of_frames, weights = metric.of(each, size)
        if of_frames is not None:
            found[training] = of_frames[chosen]
    return found, weights[chosen] if len(weights) else weights


def _ranking(
    rows: Mapping[str, Row],
    metric: Metric,
    blocks: Independence,
    weights: FloatArray,
    paired: Collection[tuple[str, str]],
    smallest_difference: float,
    folds: TestedFolds | None,
) -> Ranking | None:
    # an architecture without any error has no ratio to the others
    compared = [name for name, row in rows.items() if row.errors.errors.any()]
    if not 1 < len(compared) <= MOST_COMPARED:
        return None
    ratios = {}
    for first, second in combinations(compared, 2):
        cells = rows[first].independent, rows[second].independent
        pairs = (first, second) in paired
        if folds is None:
            found = ratio(*cells, blocks.blocks, weights, pairs)
        else:
            found = ratio_over_folds(*cells, folds, weights, pairs)
        ratios[first, second] = found.root() if metric.squared else found
    bases = {name: row.mean.basis for name, row in rows.items() if name in compared or row.lost}
    return rank(bases, ratios, smallest_difference)
