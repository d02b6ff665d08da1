"""A command is asked to end as often as its study is."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import FrameType
from typing import Any

from potbench.studies.folder import StudyFolder
from potbench.studies.running import cell_run, forwarding
from potbench.studies.running.cell_run import CellRun
from potbench.studies.running.forwarding import Forwarder
from tests.studies.made_study import STAGES, made_plan, order

FILES = {cell_run.__file__, forwarding.__file__}


def test_signals_that_come_before_there_is_a_command_are_handed_on_when_there_is_one():
    sent: list[int] = []
    signals = Forwarder()
    signals.add(signal.SIGTERM)
    signals.add(signal.SIGINT)
    assert not sent
    signals.use(sent.append)
    assert sent == [signal.SIGTERM, signal.SIGINT]
    signals.use(None)
    signals.add(signal.SIGINT)
    assert len(sent) == 2
    assert signals.signal == signal.SIGTERM


def test_a_signal_is_handed_on_once_wherever_it_comes(tmp_path, monkeypatch):
    """Handlers are called between any two lines: here, before each line of ours in turn."""
    begun: list[Command] = []
    sent: list[int] = []

    class Command(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            begun.append(self)

        def send_signal(self, number: int) -> None:
            if self.returncode is None:
                sent.append(number)
            super().send_signal(signal.SIGKILL)

    monkeypatch.setattr(subprocess, "Popen", Command)
    plan = made_plan(1, ["fast"])
    for place in range(1, 100):
        folder = StudyFolder(tmp_path / str(place))
        order(folder, plan.cells[0], fit={"sleep": 0.5})
        run = CellRun(folder, plan, plan.cells[0], STAGES)
        begun.clear()
        sent.clear()
        with interrupted(place, lambda run=run: run.send_signal(signal.SIGTERM)):
            run.run()
        if folder.run(plan.cells[0]).record.is_file():  # it came behind the end of the first command
            break
        assert sent == [signal.SIGTERM] * len(begun)
    assert not sent
    assert place > 10


@contextmanager
def interrupted(place: int, handler: Callable[[], None]) -> Iterator[None]:
    """Have a handler called before a line of the commands of a cell: the first one that is reached, the second, …"""
    lines = count(1)

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename not in FILES:
            return None
        if event == "line" and next(lines) == place:
            handler()
        return trace

    earlier = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(earlier)
