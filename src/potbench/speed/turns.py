"""Processes that take turns, so that whatever else the machine does slows all of them alike."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from potbench.runs.with_parent import with_parent

SLICE = 5.0
"""Seconds of a turn."""
LAST_LINES = 5


class Job:
    """Commands that run one after the other, each in a process of its own, while it is the turn of this job.

    Args:
        commands: their words.
        log: file to which all that they print is added.
        environment: of the processes.

    Attributes:
        failure: what the command that failed said last; None where none did.
    """

    def __init__(self, commands: Sequence[Sequence[str]], log: Path, environment: Mapping[str, str]) -> None:
        self.log = log
        self.environment = environment
        self.failure: str | None = None
        self._waiting = list(commands)
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, seconds: float) -> bool:
        """Run for some time; return whether anything is left to do."""
        if self._process is None:
            if not self._waiting:
                return False
            self._start(self._waiting.pop(0))
        else:
            self._signal(signal.SIGCONT)
        assert self._process is not None
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGSTOP)
            return True
        self._process = None
        if status:
            self._waiting = []
            said = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            by = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            # a process that the system kills for lack of memory cannot say so
            killed = [f"it {by}, as happens where memory is short"] if status == -signal.SIGKILL else []
            self.failure = "\n".join([*said[-LAST_LINES:], *killed]) or f"it {by}"
        return bool(self._waiting)

    def end(self) -> None:
        """Ask a process that runs to end, and wait for it; a training saves itself."""
        if self._process is not None:
            self._signal(signal.SIGTERM)
            self._signal(signal.SIGCONT)
            self._process.wait()

    def _start(self, words: Sequence[str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                with_parent(list(words)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                process_group=0,  # it is stopped together with the processes that it starts
            )

    def _signal(self, number: int) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)


def take_turns(jobs: Sequence[Job], watch: Callable[[Job], None], seconds: float = SLICE) -> None:
    """Run the jobs, A B C A B C …, one at a time, to their ends.

    Args:
        jobs: which.
        watch: is called with each job that has ended.
        seconds: of a turn.
    """
    waiting = list(jobs)
    try:
        while waiting:
            for job in tuple(waiting):
                if not job.run(seconds):
                    waiting.remove(job)
                    watch(job)
    finally:
        for job in waiting:
            job.end()
