"""All pairs of architectures in one cell of a table: tie groups, letters and ranks that agree with each other."""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations, count, product

import numpy as np
import numpy.typing as npt

from potbench.errors import SettingError
from potbench.statistics.blocks import block_sums
from potbench.statistics.interval import CONFIDENCE, Basis, Interval
from potbench.statistics.ratio import FrameErrors, Ratio, ratio
from potbench.statistics.verdict import Comparison, Verdict, is_equal, would_decide
from potbench.structures import FloatArray, IntArray

SMALLEST_DIFFERENCE = 0.05


@dataclass(frozen=True)
class Ranking:
    """Architectures of one dataset, size and metric, compared in all pairs.

    Attributes:
        order: names by error, smallest first, of those whose trainings allow a comparison.
        groups: tie groups, best first; two architectures stand together in one exactly if they are tied.
        ranks: first and last rank that each may have.
        comparisons: of all pairs, also of those left out of the order.
        unranked: name → why it is not in the order.
    """

    order: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    ranks: Mapping[str, tuple[int, int]]
    comparisons: tuple[Comparison, ...]
    unranked: Mapping[str, Basis]

    @property
    def best(self) -> tuple[str, ...]:
        """Return all that may be the best: those that none is significantly better than."""
        return tuple(name for name in self.order if self.ranks[name][0] == 1)

    @property
    def letters(self) -> Mapping[str, tuple[str, ...]]:
        """Return the compact letters of each: those that share a letter are tied."""
        names = ("".join(word) for size in count(1) for word in product(string.ascii_lowercase, repeat=size))
        named = list(zip(self.groups, names, strict=False))
        return {name: tuple(letter for group, letter in named if name in group) for name in self.order}


def compare_all(
    cells: Mapping[str, FrameErrors],
    blocks: IntArray,
    weights: FloatArray | None = None,
    paired: bool = False,
    smallest_difference: float = SMALLEST_DIFFERENCE,
) -> Ranking:
    """Rank architectures by their errors on the same test frames.

    Args:
        cells: name → errors; where every training diverged, of shape (0, frames).
        blocks: shape (frames,), as in `block_mean`.
        weights: shape (frames,), as in `block_mean`.
        paired: as in `ratio`, of those with equal numbers of trainings.
        smallest_difference: relative difference that matters.

    Raises:
        SettingError: an error is not finite, or an architecture has none at all.
    """
    trained = [name for name, cell in cells.items() if len(cell.errors)]
    ratios = {}
    for first, second in combinations(trained, 2):
        pairs = paired and len(cells[first].errors) == len(cells[second].errors)
        ratios[first, second] = ratio(cells[first], cells[second], blocks, weights, pairs)
    return rank({name: cell.basis() for name, cell in cells.items()}, ratios, smallest_difference)


def rank(
    bases: Mapping[str, Basis],
    ratios: Mapping[tuple[str, str], Ratio],
    smallest_difference: float = SMALLEST_DIFFERENCE,
) -> Ranking:
    """Decide all comparisons together, and derive groups, letters and ranks from the decisions.

    Holm: the pair with the k-th smallest p of m is told apart if p ≤ 5 %/(m − k + 1), and so were those before; its
    interval has that confidence. By chance, any pair at all is wrongly told apart in at most 5 % of all studies. What
    follows from two such decisions (a before b, b before c) is taken as decided too.
    Rank of an architecture: 1 + number significantly better … number of all − number significantly worse.

    Sources: Holm, Scand. J. Stat. 6, 65 (1979), jstor.org/stable/4615733; letters: Piepho, J. Comput. Graph. Stat. 13,
    456 (2004), doi:10.1198/1061860043515.

    Args:
        bases: name → what its trainings allow; who has no basis for a decision is left out of the order.
        ratios: of each pair of names, in one of both directions; all their logarithms are differences of one number
            per name.
        smallest_difference: relative difference that matters.
    """
    names = [name for name, basis in bases.items() if basis.decides]
    logs = {name: sum(_directed(ratios, name, other).log_ratio for other in names if other != name) for name in names}
    order = tuple(sorted(names, key=lambda name: logs[name]))
    pairs = list(combinations(order, 2))
    directed = {pair: _directed(ratios, *pair) for pair in pairs}
    levels, rejected = _holm({pair: found.p_value() for pair, found in directed.items()})
    place = {name: index for index, name in enumerate(order)}
    better: npt.NDArray[np.bool_] = np.zeros((len(order), len(order)), dtype=bool)
    for first, second in rejected:
        better[place[first], place[second]] = True
    for middle in range(len(order)):
        better |= better[:, [middle]] & better[[middle], :]
    comparisons = [
        _decide(pair, found, levels[pair], bool(better[place[pair[0]], place[pair[1]]]), smallest_difference)
        for pair, found in directed.items()
    ]
    left_out = [
        _decide(pair, found, CONFIDENCE, False, smallest_difference)
        for pair, found in ratios.items()
        if not set(pair) <= set(order)
    ]
    ranks = {
        name: (1 + int(better[:, index].sum()), len(order) - int(better[index].sum())) for name, index in place.items()
    }
    groups = tuple(tuple(order[index] for index in group) for group in _tie_groups(better))
    unranked = {name: basis for name, basis in bases.items() if name not in ranks}
    return Ranking(order, groups, ranks, (*comparisons, *left_out), unranked)


def probability_best(
    cells: Mapping[str, FrameErrors],
    blocks: IntArray,
    weights: FloatArray | None = None,
    draws: int = 2000,
    seed: int = 0,
) -> dict[str, float]:
    """Estimate how probable it is that each architecture has the smallest error.

    Blocks of frames are drawn with replacement, the same for all architectures; the mean over S trainings varies by
    t(S − 1) · s/√S, since a bootstrap over few trainings varies too little.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), doi:10.1201/9780429246593.

    Args:
        cells: name → errors of two trainings or more on the same frames.
        blocks: shape (frames,), as in `block_mean`.
        weights: shape (frames,), as in `block_mean`.
        draws: of blocks and trainings.
        seed: of the random numbers.

    Raises:
        SettingError: an architecture has fewer than two trainings, or an error is not finite.
    """
    random = np.random.default_rng(seed)
    errors = []
    num_blocks = len(np.unique(blocks))
    # products of integers are ten times as slow
    drawn = random.multinomial(num_blocks, np.full(num_blocks, 1 / num_blocks), size=draws).astype(np.float64)
    for name, cell in cells.items():
        trainings = len(cell.errors)
        if trainings < 2:
            raise SettingError(probability_best, "cells", name, "two trainings or more of each", f"{name} has fewer")
        sums = block_sums(cell.errors.mean(axis=0), blocks, weights)
        scatter = float(np.std(cell.training_means(weights), ddof=1)) / trainings**0.5
        chance = random.standard_t(trainings - 1, size=draws) * scatter
        errors.append((drawn @ sums.values) / (drawn @ sums.weights) + chance)
    winners = np.argmin(errors, axis=0)
    return {name: float(np.mean(winners == place)) for place, name in enumerate(cells)}


def _directed(ratios: Mapping[tuple[str, str], Ratio], first: str, second: str) -> Ratio:
    return ratios[first, second] if (first, second) in ratios else ratios[second, first].inverse()


def _holm(p_values: Mapping[tuple[str, str], float]) -> tuple[dict[tuple[str, str], float], list[tuple[str, str]]]:
    """Return the confidence at which the interval of each pair is shown, and the pairs that are told apart."""
    levels = {}
    rejected: list[tuple[str, str]] = []
    left = len(p_values)
    for pair, p_value in sorted(p_values.items(), key=lambda item: item[1]):
        levels[pair] = 1 - (1 - CONFIDENCE) / left
        # those after the first that fails share its level: their p is larger, and their intervals contain 1
        if p_value <= (1 - CONFIDENCE) / left:
            rejected.append(pair)
            left -= 1
    return levels, rejected


def _decide(
    pair: tuple[str, str], found: Ratio, confidence: float, better: bool, smallest_difference: float
) -> Comparison:
    interval = found.interval(confidence)
    verdict = Verdict.BETTER if better else Verdict.UNDECIDED
    if better and interval is not None:
        # what follows from two other decisions may have an interval of its own beyond 1
        interval = Interval(interval.low, min(interval.high, 1.0))
    if is_equal(found, smallest_difference):
        verdict |= Verdict.EQUAL
    cure = None if verdict else would_decide(found, smallest_difference, confidence)
    return Comparison(*pair, found, interval, verdict, cure)


def _tie_groups(better: npt.NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Return all largest groups without a decided pair, by insert and absorb."""
    groups = {frozenset(range(len(better)))} if len(better) else set()
    for pair in np.argwhere(better).tolist():
        split = {group for group in groups if group.issuperset(pair)}
        groups = (groups - split) | {group - {name} for group in split for name in pair}
        groups = {group for group in groups if not any(group < other for other in groups)}
    return sorted(tuple(sorted(group)) for group in groups)
