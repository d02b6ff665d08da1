"""Several ways of doing the same training steps, timed in turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from potbench.speed.spread import Spread


class Trained(NamedTuple):
    """What a few training steps took and gave.

    Attributes:
        frames: how many frames were trained on.
        seconds: how long it took.
        losses: loss of each step, in eV² (and eV²/Å²), before the step.
    """

    frames: int
    seconds: float
    losses: list[float]


class Way(Protocol):
    """A way of training; each call starts from the same weights and sees the same batches."""

    name: str

    def train(self) -> Trained:
        """Do the steps."""


@dataclass(frozen=True)
class Compared:
    """A way, beside the first one.

    Args:
        name: which way.
        frames_per_second: of the rounds.
        ratio: its frames per second over those of the first way, round by round.
        losses: loss of each step.
    """

    name: str
    frames_per_second: Spread
    ratio: Spread
    losses: list[float]


def compare(ways: Sequence[Way], num_rounds: int, tolerance: float = 1e-3) -> list[Compared]:
    """Let the ways take turns, A B C A B C …, so that whatever else the machine does slows all of them.

    Args:
        ways: the first is what the others are measured against.
        num_rounds: how many turns are timed; one before them is not.
        tolerance: largest relative difference between losses; rounding in float32 grows a little with each step.

    Raises:
        ValueError: the ways do not do the same: their losses differ.
    """
    rounds = [[way.train() for way in ways] for _ in range(num_rounds + 1)][1:]
    compared = []
    for place, way in enumerate(ways):
        turns = [turn[place] for turn in rounds]
        first = [turn[0] for turn in rounds]
        speeds = [turn.frames / turn.seconds for turn in turns]
        reference = [turn.frames / turn.seconds for turn in first]
        for turn, other in zip(turns, first, strict=True):
            if not np.allclose(turn.losses, other.losses, rtol=tolerance, atol=0):
                raise ValueError(
                    f"{way.name} has the losses {turn.losses} and {ways[0].name} {other.losses}, expected the same up "
                    "to rounding: the comparison would not be fair. This is a mistake in potbench; please report it."
                )
        ratios = [speed / theirs for speed, theirs in zip(speeds, reference, strict=True)]
        compared.append(Compared(way.name, Spread.of(speeds), Spread.of(ratios), turns[-1].losses))
    return compared
