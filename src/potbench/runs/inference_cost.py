"""What a trained potential costs at work: latency, throughput, memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

import numpy as np
import torch

from potbench.batch import Batch
from potbench.potentials.potential import Potential
from potbench.runs.memory_above import MemoryAbove
from potbench.runs.provenance import provenance
from potbench.runs.record import InferenceCost, Measured
from potbench.units import Quantity


@dataclass(frozen=True)
class Effort:
    """How thoroughly is measured.

    Args:
        warm_up: calls before anything is timed.
        repeats: of each measurement; their median and range are reported.
        seconds: that a repeat takes at least.
        trial: seconds in which a batch is tried that may be the fastest.
        gain: fraction by which the time per atom has to fall, for a batch twice as large to be worth it.
        most_frames: of a batch.
        most_memory: of a batch in MiB, above that of the potential; half of what is free, if that is less.
        longest_call: in seconds; no larger batch is tried.
    """

    warm_up: int = 20
    repeats: int = 7
    seconds: float = 0.5
    trial: float = 0.1
    gain: float = 0.05
    most_frames: int = 2**16
    most_memory: float = 4096.0
    longest_call: float = 2.0


def measure(potential: Potential, structures: Batch, effort: Effort = Effort()) -> InferenceCost:
    """Measure energies and forces of a potential on its device, with the threads of this process.

    Every call computes everything from positions; nothing is cached, and making the batch is not timed. A batch of n
    frames has n of the structures, taken evenly, repeated where there are fewer. The batch that saturates is found by
    doubling: it is the fastest, per atom, before two that gain less than `effort.gain`.

    Args:
        potential: in evaluation mode, on the device that is measured.
        structures: on the same device, in the precision of the potential, from the smallest to the largest.
        effort: how thoroughly is measured.

    Raises:
        UnknownMoleculeError: the potential refuses a structure.
    """
    device = structures.positions.device
    singles = [structures.select([number]) for number in range(len(structures.frame))]
    for number in range(effort.warm_up):
        potential(singles[number % len(singles)], forces=True)

    def one_at_a_time() -> None:
        for single in singles:
            potential(single, forces=True)
            _wait(device)  # dynamics cannot take a step before it has the forces of the last

    latency = _times(one_at_a_time, effort, device)
    frames_at_once = _saturating(potential, structures, effort)
    batch = evenly(structures, frames_at_once)
    memory = MemoryAbove(device)
    at_once = _times(partial(potential, batch, forces=True), effort, device)
    return InferenceCost(
        latency=_measured(latency, 1e3 / len(singles), "ms"),
        throughput=_measured(at_once, 1e6 / len(batch.positions), "µs/atom"),
        frames_at_once=frames_at_once,
        peak_memory=Quantity.of(memory.peak, "MiB"),
        structures=len(singles),
        provenance=provenance(),
    )


def evenly(structures: Batch, num_frames: int) -> Batch:
    """Return a batch of so many of the structures, taken evenly; of each as many as of the others, but for one."""
    number = len(structures.frame)
    return structures.select(((np.arange(num_frames) + 0.5) * number / num_frames).astype(int).tolist())


def _saturating(potential: Potential, structures: Batch, effort: Effort) -> int:
    """Return how many frames at once take the least time per atom."""
    best, best_time, num_frames, without_gain = 1, np.inf, 1, 0
    memory = MemoryAbove(structures.positions.device)
    limit = min(effort.most_memory, memory.free / 2)
    while without_gain < 2 and num_frames <= effort.most_frames:
        batch = evenly(structures, num_frames)
        short = Effort(repeats=3, seconds=effort.trial / 3)
        times = _times(partial(potential, batch, forces=True), short, memory.device)
        of_an_atom = min(times) / len(batch.positions)
        without_gain = without_gain + 1 if of_an_atom > (1 - effort.gain) * best_time else 0
        if not without_gain:
            best, best_time = num_frames, of_an_atom
        if 2 * min(times) > effort.longest_call or 2 * memory.peak > limit:
            break
        num_frames *= 2
    return best


def _times(call: Callable[[], object], effort: Effort, device: torch.device) -> list[float]:
    """Return the seconds of a call, for each repeat the mean over all its calls."""
    _wait(device)
    start = time.perf_counter()
    call()
    _wait(device)
    # a GPU is waited for several times in a repeat, and not after each call
    calls = max(1, int(effort.seconds / 5 / (time.perf_counter() - start)))
    times = []
    for _ in range(effort.repeats):
        num_calls, elapsed = 0, 0.0
        start = time.perf_counter()
        while elapsed < effort.seconds:
            for _ in range(calls):
                call()
            _wait(device)
            num_calls += calls
            elapsed = time.perf_counter() - start
        times.append(elapsed / num_calls)
    return times


def _measured(seconds: list[float], factor: float, unit: str) -> Measured:
    return Measured(factor * median(seconds), factor * min(seconds), factor * max(seconds), unit)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
