"""How long something lasts, where not all of it has ended when one stops to look."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from potbench.statistics.interval import CONFIDENCE, Interval
from potbench.structures import FloatArray


class Survival(NamedTuple):
    """The share that is left, as steps: from each time on, until the next.

    Attributes:
        times: shape (times,), ascending from 0; the last is the end.
        shares: shape (times,).
        lows: shape (times,), lower ends of the intervals; NaN where all or none are left.
        highs: shape (times,), upper ends.
    """

    times: FloatArray
    shares: FloatArray
    lows: FloatArray
    highs: FloatArray


def survival(ends: FloatArray, end: float, confidence: float = CONFIDENCE) -> Survival:
    """Return the curve of Kaplan and Meier, with the intervals of Greenwood for log(−log S), which stay within 0 and 1.

    Sources: Kaplan, Meier, J. Am. Stat. Assoc. 53, 457 (1958), doi:10.1080/01621459.1958.10501452; Kalbfleisch,
    Prentice, The Statistical Analysis of Failure Time Data, 2nd ed. (2002), section 1.4, doi:10.1002/9781118032985.

    Args:
        ends: shape (things,), when each ended; not finite of what did not.
        end: when one stopped to look.
        confidence: of the intervals.
    """
    from scipy.stats import CensoredData, ecdf

    lasted = ~np.isfinite(ends)
    found = ecdf(CensoredData(uncensored=ends[~lasted], right=np.full(int(lasted.sum()), end))).sf
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # of no interval where all or none are left
        bounds = found.confidence_interval(confidence, method="log-log")
    times = np.concatenate([[0.0], found.quantiles])
    shares, lows, highs = (
        np.concatenate([[first], values])
        for first, values in (
            (1.0, found.probabilities),
            (np.nan, bounds.low.probabilities),
            (np.nan, bounds.high.probabilities),
        )
    )
    if times[-1] < end:
        times = np.append(times, end)
        shares, lows, highs = (np.append(values, values[-1]) for values in (shares, lows, highs))
    return Survival(times, shares, lows, highs)


def share_interval(successes: int, number: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the exact interval of a share.

    Source: Clopper, Pearson, Biometrika 26, 404 (1934), doi:10.1093/biomet/26.4.404.

    Args:
        successes: how many.
        number: of how many.
        confidence: of the interval.
    """
    from scipy.stats import binomtest

    found = binomtest(successes, number).proportion_ci(confidence)
    return Interval(float(found.low), float(found.high))
