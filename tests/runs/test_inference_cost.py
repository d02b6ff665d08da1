from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

import pytest
import torch

from potbench.batch import Batch, Prediction
from potbench.errors import UnknownMoleculeError
from potbench.potentials.potential import Potential
from potbench.runs.inference_cost import Effort, evenly, measure
from potbench.runs.provenance import provenance
from tests.native_files.made import blocks
from tests.training.small_task import ELEMENTS, small_potential

QUICK = Effort(warm_up=2, repeats=3, seconds=0.05, trial=0.03, most_frames=256)
MIB = 2**20


class Slow(Potential):
    """Takes two milliseconds for a call and a fifth of one for each frame, and holds memory for each frame.

    What holds memory takes longer for a call, so that the largest batch is the fastest.
    """

    def __init__(self, held: int = 0) -> None:
        super().__init__(ELEMENTS)
        self.seconds = 0.05 if held else 2e-3
        self.held = held
        self.calls: list[int] = []

    def energies(self, batch: Batch) -> Prediction:
        self.calls.append(len(batch.frame))
        time.sleep(self.seconds + 2e-4 * len(batch.frame))
        taken = torch.ones(self.held * len(batch.frame), dtype=torch.uint8)
        assert len(taken) == self.held * len(batch.frame)
        return Prediction(torch.zeros(len(batch.frame), dtype=torch.float64) + batch.positions.sum())


def structures() -> Batch:
    """Nineteen molecules, the smallest first."""
    return Batch.from_frames(*sorted(blocks(), key=lambda chunk: len(chunk.atomic_numbers)))


def test_latency_is_that_of_one_molecule_and_throughput_that_of_a_batch_in_which_calls_cost_little() -> None:
    batch = structures()
    cost = measure(Slow(), batch, QUICK)
    assert cost.latency.unit == "ms"
    assert cost.latency.low <= cost.latency.median <= cost.latency.high
    assert 2.2 <= cost.latency.median < 4  # other programs may keep it waiting
    assert cost.frames_at_once >= 32
    assert cost.throughput.unit == "µs/atom"
    of_a_frame = cost.throughput.median * len(evenly(batch, cost.frames_at_once).positions) / cost.frames_at_once
    assert 1 <= of_a_frame / (200 + 2000 / cost.frames_at_once) < 2
    assert cost.structures == len(batch.frame)
    assert cost.provenance == provenance()


def test_a_potential_takes_the_time_that_it_takes_elsewhere() -> None:
    potential, batch = small_potential().eval(), structures()
    cost = measure(potential, batch, QUICK)
    at_once = evenly(batch, cost.frames_at_once)

    def fastest(call: partial[Prediction]) -> float:
        times = []
        for _ in range(50):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
        return sorted(times)[len(times) // 2]

    single = partial(potential, batch.select([len(batch.frame) // 2]), forces=True)
    assert 0.3 < cost.latency.median / (1e3 * fastest(single)) < 3
    together = partial(potential, at_once, forces=True)
    assert 0.3 < cost.throughput.median / (1e6 * fastest(together) / len(at_once.positions)) < 3


def test_it_is_warmed_up_and_every_repeat_takes_its_time() -> None:
    potential = Slow()
    start = time.perf_counter()
    measure(potential, structures(), Effort(warm_up=7, repeats=4, seconds=0.3, trial=0.001, most_frames=1))
    assert time.perf_counter() - start >= 2 * 4 * 0.3
    assert len(potential.calls) > 7 + 2 * 4 * len(structures().frame)


def frames_within_memory() -> tuple[int, int]:
    """Frames of the fastest batch, and of the largest that was tried, within 100 MiB."""
    large = Slow(held=10 * MIB)
    cost = measure(large, structures().select([0, 18]), Effort(1, 1, 0.001, 0.001, most_memory=100))
    return cost.frames_at_once, max(large.calls)


def in_a_fresh_process(measured: Callable[[], tuple[int, float]]) -> tuple[int, float]:
    """Measure as the command does: memory that was freed earlier may be used again without being seen."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        return fresh.submit(measured).result(60)


@pytest.mark.slow
def test_no_batch_is_tried_that_would_take_too_long_or_too_much_memory() -> None:
    slow = Slow()
    measure(slow, structures(), Effort(1, 1, 0.001, 0.001, longest_call=0.01))
    assert 4 <= max(slow.calls) <= 32  # 8.4 ms
    found, tried = in_a_fresh_process(frames_within_memory)
    assert found == tried
    assert found in {4, 8}


def memory_of_the_fastest_batch() -> tuple[int, float]:
    """What is measured after other memory was held, some of which still is."""
    earlier = torch.ones(300 * MIB, dtype=torch.uint8)
    del earlier
    kept = torch.ones(50 * MIB, dtype=torch.uint8)
    cost = measure(Slow(held=8 * MIB), structures().select([0, 18]), Effort(2, 1, 0.01, 0.01, most_frames=4))
    assert len(kept) == 50 * MIB
    return cost.frames_at_once, float(cost.peak_memory.value or 0)


@pytest.mark.slow
def test_memory_is_that_of_the_fastest_batch_and_not_what_was_held_before() -> None:
    frames_at_once, memory = in_a_fresh_process(memory_of_the_fastest_batch)
    assert frames_at_once == 4
    assert memory == pytest.approx(8 * frames_at_once, abs=4)


def test_structures_of_a_batch_are_taken_evenly_and_repeated_where_there_are_fewer() -> None:
    batch = structures()._replace(frame=torch.arange(19))
    assert evenly(batch, 1).frame.tolist() == [9]
    assert evenly(batch, 4).frame.tolist() == [2, 7, 11, 16]
    assert evenly(batch, 19).frame.tolist() == list(range(19))
    counts = torch.bincount(evenly(batch, 64).frame)
    assert counts.sum() == 64
    assert counts.max() - counts.min() <= 1


def test_a_molecule_that_the_potential_does_not_know_is_refused() -> None:
    potential = Slow()
    potential._known = {1}
    with pytest.raises(UnknownMoleculeError, match="The potential does not know"):
        measure(potential, structures(), QUICK)
