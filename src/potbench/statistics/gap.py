"""How many times as large an error is on other test frames."""

from __future__ import annotations

import math
from typing import NamedTuple

from potbench.statistics.interval import Interval, TrainingMean


class Gap(NamedTuple):
    """The error on some test frames over that on others.

    Attributes:
        ratio: of the means.
        interval: of the ratio; None where one of the means has none, or one that reaches zero.
    """

    ratio: float
    interval: Interval | None


def gap(near: TrainingMean, far: TrainingMean) -> Gap | None:
    """Divide one mean error by another, with an interval made of theirs.

    δ = ln(far) − ln(near),   L = δ − √((ln far − ln l_far)² + (ln u_near − ln near)²), and U likewise

    The means are taken for independent; where the same trainings have both, the interval is wider than it must be.

    Source: Zou, Donner, Stat. Med. 27, 1693 (2008), doi:10.1002/sim.3095.

    Args:
        near: on the test frames that the other is compared with.
        far: on the others.

    Returns:
        The ratio; None where an error is missing or zero.
    """
    if not near.mean or not far.mean:
        return None
    ratio = far.mean / near.mean
    ends = near.interval, far.interval
    decide = near.basis.decides and far.basis.decides
    if ends[0] is None or ends[1] is None or not decide or min(ends[0].low, ends[1].low) <= 0:
        return Gap(ratio, None)
    down = math.hypot(math.log(far.mean / ends[1].low), math.log(ends[0].high / near.mean))
    up = math.hypot(math.log(ends[1].high / far.mean), math.log(near.mean / ends[0].low))
    return Gap(ratio, Interval(ratio * math.exp(-down), ratio * math.exp(up)))
