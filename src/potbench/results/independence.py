"""Which test frames are independent of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from potbench.results.errors import TestFrames
from potbench.statistics.blocks import FEWEST_BLOCKS, correlation_time, time_blocks
from potbench.structures import BoolArray, FloatArray, IntArray


class Independence(NamedTuple):
    """Blocks of test frames that are independent of each other.

    Attributes:
        blocks: shape (frames,), the block of each.
        text: what a block is, for readers.
    """

    blocks: IntArray
    text: str


def independence(
    test: TestFrames, chosen: BoolArray, errors: Sequence[FloatArray], split_by_molecule: bool
) -> Independence:
    """Divide test frames into blocks: molecules, stretches of time, or the frames themselves.

    Frames of one molecule have errors in common. Where a handful of molecules are all trained on, their conformers are
    what varies, and an answer holds for these molecules.

    Args:
        test: all test frames.
        chosen: those that are looked at, shape (frames,).
        errors: of each architecture, the mean over its trainings, shape (chosen frames,).
        split_by_molecule: whether test molecules were not trained on.
    """
    present, molecule = np.unique(test.molecule[chosen], return_inverse=True)
    number = len(present)
    if split_by_molecule or number >= FEWEST_BLOCKS:
        return Independence(molecule, f"{number} molecules")
    if number == 1 and test.time is not None:
        times = test.time[chosen].astype(np.int64)
        if len(np.unique(times)) == len(times) > 1:
            order = np.argsort(times, kind="stable")
            longest = max((correlation_time(each[order]) for each in errors), default=1.0)
            blocks = time_blocks(times, longest)
            return Independence(blocks, f"{len(np.unique(blocks))} stretches of the trajectory")
    frames = np.arange(int(chosen.sum()))
    given = "" if number == 1 else f" of {number} molecules"
    return Independence(frames, f"{len(frames):,} frames{given}")
