"""Kernels that a GPU replays: the host starts one graph in place of each of them."""

from __future__ import annotations

import gc
import warnings
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")
Computation = Callable[[Sequence[Tensor]], list[Tensor]]

WARM_UP = 3
"""Computations of some shapes before the next one is captured: libraries prepare themselves in the first ones."""
MOST = 4
"""Graphs, each of which keeps the memory of its computation."""


class Recorder(Protocol):
    """What computes on tensors that stay where they are → what replays it, with results that stay where they are."""

    def __call__(self, compute: Callable[[], Result], /) -> Callable[[], Result]:
        """Record what a function computes."""
        ...


def in_graph(compute: Callable[[], Result]) -> Callable[[], Result]:
    """Record the kernels that a function starts on a GPU.

    Raises:
        RuntimeError: the host waits for the GPU in it, or the graph needs more memory than there is.
    """
    current, other = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    checks = torch.cuda.get_sync_debug_mode()
    other.wait_stream(current)
    try:
        # an error here leaves nothing behind; in a capture it would end every use of random numbers
        with torch.cuda.stream(other), warnings.catch_warnings(action="ignore"):
            torch.cuda.set_sync_debug_mode("error")
            compute()
    finally:
        torch.cuda.set_sync_debug_mode("default")
        current.wait_stream(other)
    gc.collect()  # what is left of earlier steps belongs to another stream
    graph = torch.cuda.CUDAGraph()
    try:
        # other threads, such as those that load data, go on
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = compute()
    finally:
        torch.cuda.set_stream(current)  # which torch leaves as it is after an error
        torch.cuda.set_sync_debug_mode(checks)

    def replay() -> Result:
        graph.replay()
        return result

    return replay


RECORDERS: dict[str, Recorder] = {"cuda": in_graph}
"""Type of a device → what records kernels on it."""


class Captured:
    """A function of tensors that a GPU replays once it has been computed with tensors of the same shapes some times.

    Args:
        compute: what it does follows from the shapes of its tensors alone, at least one of them.
    """

    def __init__(self, compute: Computation) -> None:
        self.compute = compute
        self._can_capture = True
        self._seen: Counter[Hashable] = Counter()
        self._graphs: dict[Hashable, tuple[list[Tensor], Callable[[], list[Tensor]]]] = {}

    def __call__(self, values: Sequence[Tensor]) -> list[Tensor]:
        """Compute it; what is replayed returns tensors that stay what they are until the next call.

        Args:
            values: all of them on one device.
        """
        record = RECORDERS.get(values[0].device.type)
        if record is None or not self._can_capture:
            return self.compute(values)
        key = tuple((value.shape, value.dtype, value.device) for value in values)
        if key not in self._graphs:
            self._seen[key] += 1
            if self._seen[key] <= WARM_UP or len(self._graphs) == MOST:
                return self.compute(values)
            static = [value.clone() for value in values]
            try:
                self._graphs[key] = static, record(lambda: self.compute(static))
            except RuntimeError as error:  # of torch, whatever stands in the way
                self._can_capture = False
                name = getattr(self.compute, "__name__", "A function")
                warnings.warn(f"{name} is not captured: {str(error).strip().splitlines()[0]}.", stacklevel=2)
                return self.compute(values)
        static, replay = self._graphs[key]
        torch._foreach_copy_(static, list(values))
        return replay()
