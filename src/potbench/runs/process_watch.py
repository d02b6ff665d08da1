"""Processes that train together: where one is lost, the others end in seconds, and say so."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.strategies.launchers import _SubprocessScriptLauncher

PAUSE = 0.2
PATIENCE = 3.0
"""Seconds in which a process can end by itself after another was lost, since what it waits for fails."""
OF_OTHERS = re.compile("connection (closed|reset|refused)|broken pipe|gloo|nccl", re.IGNORECASE)


class ProcessWatch(threading.Thread):
    """Watches the processes that this one has started, or the one that has started this one.

    Lightning kills all processes, this one too and without a word, within five seconds after one has ended. Where a
    cluster or torchrun started the processes, it ends them as well.

    Args:
        started: processes that this one has started.
        parent: number of the process that has started this one to train with it, or None.
        advice: what to do, a sentence.
    """

    def __init__(self, started: Sequence[subprocess.Popen[bytes]], parent: int | None, advice: str) -> None:
        super().__init__(daemon=True, name="process-watch")
        self.started = started
        self.parent = parent
        self.advice = advice
        self._ended = threading.Event()

    @classmethod
    def of(cls, trainer: Trainer, advice: str) -> ProcessWatch | None:
        """Return the watch that a training needs, running; None for one process.

        Args:
            trainer: trains.
            advice: what to do where a process is lost, a sentence.
        """
        if trainer.world_size == 1:
            return None
        launcher = trainer.strategy.launcher
        started = launcher.procs if isinstance(launcher, _SubprocessScriptLauncher) else []
        environment = getattr(trainer.strategy, "cluster_environment", None)
        by_lightning = isinstance(environment, LightningEnvironment) and trainer.local_rank > 0
        for thread in threading.enumerate():
            if thread.name == "child-process-observer":
                thread._child_processes = []  # type: ignore[attr-defined]  # Lightning's own: it has none to watch
        watch = cls(started, os.getppid() if by_lightning else None, advice)
        watch.start()
        return watch

    def run(self) -> None:
        """Look until the training ends; end the process where another is lost and this one waits in vain."""
        while not self._ended.wait(PAUSE):
            lost = self.lost()
            if lost and not self._ended.wait(PATIENCE):
                self._leave(lost)

    def end(self) -> None:
        """Watch no longer: the training ends."""
        self._ended.set()

    def lost(self) -> str | None:
        """Return which process is lost, in words."""
        if self.parent is not None and os.getppid() != self.parent:
            return "The first process of the training has ended"
        for number, process in enumerate(self.started, start=2):
            status = process.poll()
            if status:
                how = (
                    f"was killed by {signal.Signals(-status).name}" if status < 0 else f"has ended with status {status}"
                )
                return f"Process {number} of {len(self.started) + 1} {how}"
        return None

    def lost_by(self, error: BaseException) -> str | None:
        """Return which process is lost, in words, where an error comes of that; the watch ends.

        Args:
            error: what ends the training.
        """
        lost = self.lost()
        if isinstance(error, RuntimeError):
            end = time.monotonic() + PATIENCE / 2
            while lost is None and time.monotonic() < end:
                time.sleep(PAUSE)
                lost = self.lost()
        self.end()
        if self.parent is not None and lost:
            self._leave(lost)
        if not isinstance(error, RuntimeError):
            return None
        return lost or ("Another process of the training has ended" if OF_OTHERS.search(str(error)) else None)

    def _leave(self, lost: str) -> None:
        for process in self.started:
            process.kill()
        print(f"\npotbench: {lost}; the training ends. {self.advice}", file=sys.stderr, flush=True)
        os._exit(1)
