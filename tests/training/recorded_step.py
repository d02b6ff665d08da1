"""Captured steps without a GPU: what is recorded is computed again, on the same tensors, into the same tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from potbench.training import cuda_graph
from potbench.training.cuda_graph import Recorder, Result
from potbench.training.static_step import Outputs


def into_the_same_tensors(compute: Callable[[], Result]) -> Callable[[], Result]:
    """Record a step like a graph, whose outputs are those of its last replay."""
    first = compute()

    def replay() -> Result:
        for kept, new in zip(leaves(first), leaves(compute()), strict=True):
            kept.copy_(new)
        return first

    return replay


def leaves(result: Any) -> list[Any]:
    if isinstance(result, Outputs):
        return [result.loss, result.losses, *(each for each in result.gradients if each is not None)]
    return list(result)


class Counted:
    """A recorder that counts the steps that it records and replays, and what optimizers have it replay."""

    def __init__(self, recorder: Recorder = into_the_same_tensors) -> None:
        self.recorder = recorder
        self.recorded = 0
        self.replayed = 0
        self.replayed_by_optimizers = 0

    def __call__(self, compute: Callable[[], Result]) -> Callable[[], Result]:
        is_step: list[bool] = []

        def noted() -> Result:
            result = compute()
            is_step[:] = [isinstance(result, Outputs)]
            return result

        replay = self.recorder(noted)
        self.recorded += is_step[0]

        def counted() -> Result:
            self.replayed += is_step[0]
            self.replayed_by_optimizers += not is_step[0]
            return replay()

        return counted


@contextmanager
def recorded(recorder: Recorder = into_the_same_tensors, device: str = "cpu") -> Iterator[Counted]:
    """Have steps recorded, and that counted, within the context."""
    counted = Counted(recorder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(cuda_graph.RECORDERS, device, counted)
        yield counted
