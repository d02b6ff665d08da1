"""Hands mutants to workers, and replaces those that hang or die."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds for one file of some kB, child processes included."""
MEMORY = 256.0
"""MiB that a file of some kB may take."""


class Outcome(NamedTuple):
    """What came of a mutant.

    Attributes:
        kind: its format.
        number: its number, which seeds its damage.
        label: refused (by a message that names the file), unnamed, traceback, same, detected (`data check` says it),
            undetectable, silent (it could be detected, and is not), memory, hang or crash.
        reason: message, or what a careful look would find.
    """

    kind: str
    number: int
    label: str
    reason: str


def fuzz(kind: str, numbers: range, folder: Path) -> Iterator[Outcome]:
    """Yield what comes of the mutants of a format.

    Args:
        kind: the format.
        numbers: numbers of the mutants.
        folder: where the files are made.
    """
    worker: _Worker | None = None
    for number in numbers:
        worker = worker or _Worker(kind, folder)
        label, reason, memory = worker.ask(number)
        if label in {"hang", "crash"}:
            worker.end()
            worker = None
        elif memory > MEMORY:
            label, reason = "memory", f"{memory} MiB, {label}: {reason}"
            worker.end()  # peaks never fall
            worker = None
        yield Outcome(kind, number, label, reason)
    if worker:
        worker.end()


class _Worker:
    def __init__(self, kind: str, folder: Path) -> None:
        command = [sys.executable, "-m", "tests.fuzz.worker", kind, str(folder)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(["src", *_path()])}
        pipe = subprocess.PIPE
        folder.parent.mkdir(parents=True, exist_ok=True)
        errors = (folder.parent / "worker.log").open("wb")
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=errors, cwd=ROOT, env=environment)
        ready = self._answer(120.0)
        assert ready[0] == "ready", f"{ready}: {(folder.parent / 'worker.log').read_text()}"

    def ask(self, number: int) -> tuple[str, str, float]:
        try:
            self.process.stdin.write(f"{number}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            return "crash", "it ended before", 0
        return self._answer(PATIENCE)

    def _answer(self, patience: float) -> tuple[str, str, float]:
        if not select.select([self.process.stdout], [], [], patience)[0]:
            return "hang", f"no answer within {patience:.0f} s", 0
        line = self.process.stdout.readline()
        if not line:
            return "crash", f"status {self.process.wait()}", 0
        return tuple(json.loads(line))

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


def _path() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
