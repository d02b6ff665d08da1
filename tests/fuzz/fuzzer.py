"""Hands mutants to workers, and replaces those that hang or die."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
"""Seconds for one file of some kB, child processes included."""
START = 60.0
"""Seconds more for the first, before which libraries are imported."""
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


def fuzz(mutants: Iterable[tuple[str, int]], folder: Path) -> Iterator[Outcome]:
    """Yield what comes of mutants.

    Args:
        mutants: format and number of each.
        folder: where the files are made.
    """
    worker: _Worker | None = None
    for kind, number in mutants:
        worker = worker or _Worker(folder)
        label, reason, memory = worker.ask(kind, number)
        if memory > MEMORY:
            label, reason = "memory", f"{memory} MiB, {label}: {reason}"
        if label in {"hang", "crash", "memory"}:  # peaks of memory never fall
            worker.end()
            worker = None
        yield Outcome(kind, number, label, reason)
    if worker:
        worker.end()


class _Worker:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.worker", str(folder)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.errors = folder / "errors.txt"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=ROOT, env=environment
            )
        self.patience = START

    def ask(self, kind: str, number: int) -> tuple[str, str, float]:
        self.process.stdin.write(f"{kind} {number}\n".encode())
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], self.patience + PATIENCE)[0]:
            return "hang", f"no answer within {PATIENCE:.0f} s", 0
        self.patience = 0.0
        line = self.process.stdout.readline()
        if not line:
            return "crash", f"status {self.process.wait()}: {self.errors.read_text()[-500:]}", 0
        return tuple(json.loads(line))

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()
