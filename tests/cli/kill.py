"""A callback by which a process kills itself at a place that an environment variable names."""

from __future__ import annotations

import os
import signal
from typing import Any

from lightning.pytorch import Callback, Trainer

ARGUMENTS = ["--trainer.callbacks", "[{class_path: tests.cli.kill.Kill}]"]


class Kill(Callback):
    """Kills the process where KILL_AT says: the name of a hook, and how often it is called before."""

    def __init__(self) -> None:
        self.name, _, number = os.environ.get("KILL_AT", "").partition(" ")
        self.left = int(number or 0)

    def on_train_batch_start(self, trainer: Trainer, *arguments: Any) -> None:
        self._visit("on_train_batch_start")

    def on_validation_start(self, trainer: Trainer, *arguments: Any) -> None:
        if not trainer.sanity_checking:
            self._visit("on_validation_start")

    def _visit(self, hook: str) -> None:
        if hook == self.name:
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1
