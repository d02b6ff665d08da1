"""One trial: a training in a process of its own, which is watched by its metrics.csv."""

from __future__ import annotations

import csv
import math
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from potbench.errors import RecordError, RunError
from potbench.runs.metrics import best_validation
from potbench.runs.record import Record
from potbench.runs.with_parent import with_parent
from potbench.studies.running.cell_lock import CellLock
from potbench.studies.running.cell_run import STOPPED
from potbench.studies.running.commands import STAGES, environment
from potbench.studies.running.devices import seeing
from potbench.studies.running.forwarding import Forwarder
from potbench.studies.searches.search import STAGE
from potbench.studies.searches.trials import PERCENT, State, Trials
from potbench.whole_file import write_text

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

POLL = 0.2
"""Seconds after which metrics.csv is read again."""
LONGEST_SAID = 600


class Validation(NamedTuple):
    """What a validation has found.

    Attributes:
        percent: of the training that is done.
        value: of the objective.
    """

    percent: int
    value: float


class TrialRun:
    """Takes a trial to its end; what the training prints goes to the log of the trial.

    Args:
        trials: of the search.
        trial: one of them, claimed.
        lock: of the claim; the training holds it too, so that nobody else begins with the trial while it lives.
        config: whole config of the trial, as fit reads it.
        device: GPU of the training; None for those that this process has.
    """

    def __init__(
        self,
        trials: Trials,
        trial: FrozenTrial,
        lock: CellLock,
        config: dict[str, Any],
        device: str | None = None,
    ) -> None:
        self.trials = trials
        self.folder = trials.folder
        self.trial = trial
        self.lock = lock
        self.config = config
        self.device = device
        self.run_folder = self.folder.run(trial.number)
        self._process: subprocess.Popen[bytes] | None = None
        self._signals = Forwarder()

    def send_signal(self, number: int) -> None:
        """End early: hand a signal on to the training, which saves what it has."""
        self._signals.add(number)

    def run(self) -> bool:
        """Train; return whether the trial has come to an end. One that was stopped by a signal is resumed later."""
        number = self.trial.number
        write_text(self.folder.config(number), yaml.safe_dump(self.config, sort_keys=False, allow_unicode=True))
        begin, start = self._note(shlex.join(self._words())), time.perf_counter()
        pruned, status, cpu_seconds = self._watch()
        self.trials.add_cost(self.trial, time.perf_counter() - start, cpu_seconds)
        if not pruned and (self._signals.signal or status in STOPPED):
            return False
        state, value, said = self._judge(pruned, status, begin)
        if state == "pruned":
            write_text(self.folder.stopped(number), f"{said}\n")
        self.trials.end(number, state, value, said)
        return True

    def _words(self) -> list[str]:
        places = {"config": self.folder.config(self.trial.number), "run": self.run_folder.path}
        return [word.format(**places) for word in STAGES[0].command]

    def _watch(self) -> tuple[str, int, float]:
        """Wait for the training; return why it was pruned, its exit status, and the seconds of all cores."""
        with self.folder.log(self.trial.number).open("ab") as log:
            self._process = subprocess.Popen(
                with_parent(self._words()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment(self.trials.search.threads) | seeing(self.device),
                pass_fds=self.lock.inherited,
                process_group=0,  # Ctrl-C reaches it through this process alone
            )
        self._signals.use(self._send)
        pruned, reported = "", set(self.trial.intermediate_values)
        while True:
            ended, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            for found in validations(self.run_folder.metrics, self.trials.search.column, self.config):
                if found.percent not in reported:
                    reported.add(found.percent)
                    is_bad = self.trials.report(self.trial, found.value, found.percent)
                    if is_bad and not pruned and not ended and found.percent < PERCENT:
                        pruned = (
                            f"Pruned after {found.percent} % of its training, with {self.trials.search.column} "
                            f"{found.value:.4g}."
                        )
                        self._send(signal.SIGTERM)
            if ended:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                code = self._process.returncode
                return pruned, (128 - code if code < 0 else code), usage.ru_utime + usage.ru_stime
            time.sleep(POLL)

    def _send(self, number: int) -> None:
        # Popen would look whether it has ended, and take its use of the processor away from wait4
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, number)

    def _judge(self, pruned: str, status: int, begin: int) -> tuple[State, float | None, str]:
        """Return state, objective and what is said of it."""
        column = self.trials.search.column
        if pruned and status != 0:
            values = [each.value for each in validations(self.run_folder.metrics, column, self.config)]
            return "pruned", values[-1], pruned
        if status != 0:
            diverged = self._diverged()
            if diverged:
                return "diverged", None, diverged
            return "failed", None, f"fit ended with status {status}: {self._last_words(begin)}"
        try:
            _, errors = best_validation(self.run_folder.metrics)
        except RecordError as error:
            return "failed", None, str(error)
        value = errors.get(column.removeprefix(STAGE), math.nan)
        if not math.isfinite(value):
            there = ", ".join(STAGE + name for name in errors) or "no validation"
            return "failed", None, f"{self.run_folder.metrics} has no finite {column}, but {there}."
        return "finished", value, ""

    def _diverged(self) -> str:
        with suppress(RunError, RecordError):
            diverged = Record.load(self.run_folder.path).diverged
            return diverged.reason if diverged else ""
        return ""

    def _note(self, line: str) -> int:
        """Add a line of our own to the log; return where what follows begins."""
        log = self.folder.log(self.trial.number)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            stream.write(f"\n{time.strftime('%Y-%m-%d %H:%M:%S')} $ {line}\n".encode())
            return stream.tell()

    def _last_words(self, begin: int) -> str:
        printed = self.folder.log(self.trial.number).read_bytes()[begin:].decode(errors="replace")
        said = " ".join((printed.rpartition("potbench: ")[2] or printed).split())
        return said if len(said) <= LONGEST_SAID else f"…{said[-LONGEST_SAID:]}"


def validations(metrics: Path, column: str, config: dict[str, Any]) -> Iterator[Validation]:
    """Yield the validations of a training so far, where it is known how long the training is.

    Args:
        metrics: its metrics.csv.
        column: of the objective.
        config: of the training.
    """
    trainer = config["trainer"]
    steps, epochs = trainer.get("max_steps") or -1, trainer.get("max_epochs") or -1
    if not metrics.is_file():
        return
    with metrics.open(newline="", encoding="utf-8") as stream:
        # half a line is being written
        for row in csv.DictReader(line for line in stream if line.endswith("\n")):
            if not row.get(column):
                continue
            done = [(int(row["step"]) + 1) / steps] if steps > 0 else []
            done += [(int(row["epoch"]) + 1) / epochs] if epochs > 0 else []
            value = float(row[column])
            if done and math.isfinite(value):
                yield Validation(min(PERCENT, int(PERCENT * max(done))), value)
