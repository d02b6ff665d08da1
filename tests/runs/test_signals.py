from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from potbench.runs.signals import NAMES, Signals


@pytest.fixture
def signals() -> Iterator[Signals]:
    found = Signals()
    found.install()
    yield found
    found.remove()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_a_signal_is_remembered_and_ends_nothing(signals, number):
    assert signals.received == 0
    os.kill(os.getpid(), number)
    assert signals.received == number
    assert number in NAMES


def test_the_first_signal_counts(signals):
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGTERM)
    assert signals.received == signal.SIGUSR1


def test_the_second_ctrl_c_ends_at_once(signals):
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_those_of_before_when_training_ends():
    before = {number: signal.getsignal(number) for number in NAMES}
    found = Signals()
    found.install()
    assert all(signal.getsignal(number) != handler for number, handler in before.items())
    found.remove()
    found.remove()
    assert {number: signal.getsignal(number) for number in NAMES} == before


def test_what_the_process_was_told_to_ignore_stays_ignored():
    # as nohup and a shell in the background do
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    found = Signals()
    found.install()
    try:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        found.remove()
        signal.signal(signal.SIGINT, handler)


def test_a_signal_that_nobody_waits_for_ends_the_process_as_it_always_does():
    code = (
        "import os, signal; from potbench.runs.signals import end_at_once;"
        "signal.signal(signal.SIGTERM, end_at_once); os.kill(os.getpid(), signal.SIGTERM)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGTERM


def test_the_front_door_reads_it_without_torch():
    code = "import sys, potbench.runs.signals; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
