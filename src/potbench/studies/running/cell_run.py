"""One cell on its way through the commands that it lacks."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from potbench.runs.lock import is_in_use
from potbench.runs.signals import NAMES
from potbench.runs.with_parent import with_parent
from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_lock import CellLock
from potbench.studies.running.commands import STAGES, Stage, environment
from potbench.studies.running.devices import seeing
from potbench.studies.running.forwarding import Forwarder
from potbench.studies.running.state import next_stage, state_at_rest
from potbench.whole_file import write_text

STOPPED = {128 + number for number in NAMES}
"""Exit statuses of a command that has saved what it has, and is to be started again."""
LAST_LINES = 20
LARGEST_END = 20_000
"""Bytes of the end of a log."""


class Failure(NamedTuple):
    """A command that failed, in words.

    Attributes:
        stage: name of the command.
        words: the command.
        reason: how it ended.
    """

    stage: str
    words: list[str]
    reason: str


class CellRun:
    """Works on one cell; what its commands print goes to the log of the cell.

    Args:
        folder: of the study.
        plan: says how many threads a command has, and how often one that failed is started again.
        cell: one of the plan.
        stages: the commands of the study.
        device: GPU of the commands; None for those that this process has.
    """

    def __init__(
        self,
        folder: StudyFolder,
        plan: Plan,
        cell: Cell,
        stages: Sequence[Stage] = STAGES,
        device: str | None = None,
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.cell = cell
        self.stages = stages
        self.device = device
        self._lock = CellLock(folder.lock(cell))
        self._process: subprocess.Popen[bytes] | None = None
        self._signals = Forwarder()

    def claim(self) -> bool:
        """Return whether the cell belongs to this process now, until `release`."""
        if not self._lock.claim():
            return False
        if is_in_use(self.folder.run(self.cell)):  # by a command that somebody started by hand
            self._lock.release()
            return False
        return True

    def release(self) -> None:
        """Leave the cell to others."""
        self._lock.release()

    def run(self) -> CellState:
        """Take the cell as far as it comes; it must be claimed. Return how far that is.

        A failure is written into the error file when it was tried as often as the plan says, and never before.

        Raises:
            OSError: log or error file cannot be written.
        """
        self.folder.error(self.cell).unlink(missing_ok=True)
        failures = 0
        while not self.is_stopped and (stage := next_stage(self.folder, self.cell, self.stages)) is not None:
            status, begin = self._execute(stage)
            if self.is_stopped or status in STOPPED:
                break
            failure = self._failure(stage, status)
            if failure is None:
                continue
            failures += 1
            if failures > self.plan.retries:
                write_text(self.folder.error(self.cell), self._report(failure, begin))
                break
            self._note(f"{failure.stage} failed: {failure.reason}. It is tried again.")
        return state_at_rest(self.folder, self.cell, self.stages)

    def send_signal(self, number: int) -> None:
        """End early: hand a signal on to the command that runs, and start no other."""
        self._signals.add(number)

    @property
    def is_stopped(self) -> bool:
        """Whether a signal came."""
        return bool(self._signals.signal)

    def wait_for_command(self) -> None:
        """Wait for the end of the command that runs, also where `run` waits for it in the same thread."""
        if self._process is not None:
            with suppress(ChildProcessError):  # it has been waited for
                os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)

    def _execute(self, stage: Stage) -> tuple[int, int]:
        """Run a command; return its exit status, 128 and the signal that ended it, and where its output begins."""
        words = stage.words(self.folder, self.plan, self.cell)
        begin = self._note(shlex.join(words))
        with self.folder.log(self.cell).open("ab") as log:
            self._process = subprocess.Popen(
                with_parent(words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(self.plan.threads) | seeing(self.device),
                pass_fds=self._lock.inherited,
                # Ctrl-C reaches it through this process alone: a training that is asked twice does not save
                process_group=0,
            )
            self._signals.use(self._process.send_signal)
            status = self._process.wait()
            self._signals.use(None)
        self._process = None
        return (128 - status if status < 0 else status), begin

    def _failure(self, stage: Stage, status: int) -> Failure | None:
        if self._next() != stage:
            return None
        if status in stage.statuses:
            left = f"{' '.join(stage.leaves)} in the record{' with predictions beside it' if stage.predicts else ''}"
            reason = f"it ended with status {status} and left no {left}"
        elif status > 128:
            reason = f"it was ended by {_name(status - 128)}"
        else:
            reason = f"it ended with status {status}"
        return Failure(stage.name, stage.words(self.folder, self.plan, self.cell), reason)

    def _next(self) -> Stage | None:
        return next_stage(self.folder, self.cell, self.stages)

    def _note(self, line: str) -> int:
        """Add a line of our own to the log; return where what follows begins."""
        log = self.folder.log(self.cell)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            stream.write(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')} $ {line}\n".encode())
            return stream.tell()

    def _report(self, failure: Failure, begin: int) -> str:
        tries = "" if self.plan.retries == 0 else f", in the last of {self.plan.retries + 1} tries"
        with self.folder.log(self.cell).open("rb") as stream:
            end = stream.seek(0, 2)
            stream.seek(max(begin, end - LARGEST_END))
            lines = stream.read().decode(errors="replace").strip().splitlines()[-LAST_LINES:]
        return (
            f"{self.cell.label} failed in {failure.stage}: {failure.reason}{tries}.\n"
            f"Command: {shlex.join(failure.words)}\n"
            f"All that it printed: {self.folder.log(self.cell)}\n\n" + "\n".join(lines) + "\n"
        )


def _name(number: int) -> str:
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
    return f"{name}; perhaps memory ran out" if name == "SIGKILL" else name
