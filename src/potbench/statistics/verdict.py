"""What can be said of two architectures, and what would decide where nothing can."""

from __future__ import annotations

import math
from bisect import bisect_left
from enum import Flag, StrEnum
from typing import NamedTuple

from potbench.statistics.interval import CONFIDENCE, FEWEST_TRAININGS, Basis, Interval, half_width
from potbench.statistics.ratio import Ratio

# two one-sided tests at 5 % are an interval of 90 %
EQUAL_CONFIDENCE = 0.90
MOST_TRAININGS = 10**6


class Verdict(Flag):
    """What can be said of two architectures; BETTER | EQUAL is a real difference too small to matter."""

    UNDECIDED = 0
    BETTER = 1
    EQUAL = 2


class Remedy(StrEnum):
    """What an undecided comparison needs, in the words of the report."""

    TRAININGS = "more trainings"
    FRAMES = "more test frames, not trainings"
    DATA = "more molecules or frames"
    FINISHED_TRAININGS = "trainings that do not diverge"


class WouldDecide(NamedTuple):
    """What would decide a comparison if the errors stayed as they are.

    Attributes:
        remedy: what is needed.
        trainings: of each architecture, where more of them decide.
    """

    remedy: Remedy
    trainings: int | None = None


class Comparison(NamedTuple):
    """Two architectures compared, among several.

    Attributes:
        first: name of the one with the smaller error.
        second: name of the other.
        ratio: error of the first over that of the second.
        interval: of the ratio, adjusted for the number of comparisons by Holm; None where the ratio has none.
        verdict: what can be said.
        would_decide: what the comparison needs where it is undecided, else None.
    """

    first: str
    second: str
    ratio: Ratio
    interval: Interval | None
    verdict: Verdict
    would_decide: WouldDecide | None


def is_equal(ratio: Ratio, smallest_difference: float) -> bool:
    """Tell whether the 90 % interval lies within 1/(1 + smallest_difference) … 1 + smallest_difference.

    Source: Schuirmann, J. Pharmacokinet. Biopharm. 15, 657 (1987), doi:10.1007/BF01068419.
    """
    interval = ratio.interval(EQUAL_CONFIDENCE)
    margin = 1 + smallest_difference
    return ratio.basis.decides and interval is not None and 1 / margin < interval.low and interval.high < margin


def would_decide(ratio: Ratio, smallest_difference: float, confidence: float = CONFIDENCE) -> WouldDecide:
    """Find the number of trainings S′ of each architecture that would decide a comparison.

    t √(V_trainings S/S′ + V_blocks) ≤ |ln(m₁/m₂)| for a real difference, or ≤ ln(1 + smallest_difference) − |ln(m₁/m₂)|
    for equal ones, whichever takes fewer trainings; where V_blocks alone is larger, more test frames are needed. Of
    folds that test other frames each, only more data has more.

    Args:
        ratio: of the two errors.
        smallest_difference: relative difference that matters.
        confidence: adjusted for the number of comparisons, of a real difference.
    """
    if ratio.basis is Basis.DIVERGED:
        return WouldDecide(Remedy.FINISHED_TRAININGS)
    if ratio.basis in (Basis.ONE_TRAINING, Basis.TWO_TRAININGS):
        return WouldDecide(Remedy.TRAININGS, FEWEST_TRAININGS)
    if ratio.basis is Basis.FOLDS:
        return WouldDecide(Remedy.DATA)
    if ratio.basis is Basis.TOO_CORRELATED or not ratio.trainings:
        return WouldDecide(Remedy.FRAMES)
    distance = abs(ratio.log_ratio)
    routes = ((confidence, distance), (EQUAL_CONFIDENCE, math.log1p(smallest_difference) - distance))

    def decided(number: int) -> bool:
        sources = ratio.with_trainings(number).sources
        return any(half_width(sources, level) < limit for level, limit in routes)

    candidates = range(min(source.number for source in ratio.trainings) + 1, MOST_TRAININGS)
    found = bisect_left(candidates, True, key=decided)
    return WouldDecide(Remedy.FRAMES) if found == len(candidates) else WouldDecide(Remedy.TRAININGS, candidates[found])
