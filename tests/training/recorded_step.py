"""Captured steps without a GPU: what is recorded is computed again, on the same tensors, into the same tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from potbench.training import captured_step
from potbench.training.captured_step import Recorder
from potbench.training.static_step import Outputs


def into_the_same_tensors(compute: Callable[[], Outputs]) -> Callable[[], Outputs]:
    """Record a step like a graph, whose outputs are those of its last replay."""
    first = compute()

    def replay() -> Outputs:
        for kept, new in zip(leaves(first), leaves(compute()), strict=True):
            kept.copy_(new)
        return first

    return replay


def leaves(outputs: Outputs) -> list:
    return [outputs.loss, outputs.losses, *(each for each in outputs.gradients if each is not None)]


class Counted:
    """A recorder that counts what it records and replays."""

    def __init__(self, recorder: Recorder = into_the_same_tensors) -> None:
        self.recorder = recorder
        self.recorded = 0
        self.replayed = 0

    def __call__(self, compute: Callable[[], Outputs]) -> Callable[[], Outputs]:
        replay = self.recorder(compute)
        self.recorded += 1

        def counted() -> Outputs:
            self.replayed += 1
            return replay()

        return counted


@contextmanager
def recorded(recorder: Recorder = into_the_same_tensors, device: str = "cpu") -> Iterator[Counted]:
    """Have steps recorded, and that counted, within the context."""
    counted = Counted(recorder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(captured_step.RECORDERS, device, counted)
        yield counted
