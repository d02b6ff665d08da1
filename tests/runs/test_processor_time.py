from __future__ import annotations

import multiprocessing
import sys
import time

import pytest

from potbench.runs.processor_time import processor_seconds


def compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def compute_and_wait(seconds: float, computed, told) -> None:
    compute(seconds)
    computed.set()
    told.wait(60)


def test_time_of_this_process_counts_where_it_computes_and_not_where_it_waits() -> None:
    start = processor_seconds()
    compute(0.2)
    time.sleep(0.3)
    assert processor_seconds() - start == pytest.approx(0.2, abs=0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes that are running")
def test_time_of_a_process_it_started_counts_once_while_that_runs_and_when_it_has_ended() -> None:
    start = processor_seconds()
    context = multiprocessing.get_context("fork")
    computed, told = context.Event(), context.Event()
    child = context.Process(target=compute_and_wait, args=(0.5, computed, told))
    child.start()
    assert computed.wait(60)
    running = processor_seconds() - start
    told.set()
    child.join()
    ended = processor_seconds() - start
    assert running == pytest.approx(0.5, abs=0.2)
    assert ended == pytest.approx(running, abs=0.1)
