"""A callback that notes where a training step makes the host wait for the GPU."""

from __future__ import annotations

import traceback
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

FOUND: set[str] = set()


class NoteSynchronization(Callback):
    """Adds to FOUND the functions of potbench, or else of a library, in which the host waited, after some steps."""

    def on_train_start(self, trainer: Trainer, *arguments: Any) -> None:
        FOUND.clear()
        warnings.showwarning = self._note  # type: ignore[assignment]
        warnings.simplefilter("always")

    def on_train_batch_start(self, trainer: Trainer, *arguments: Any) -> None:
        if trainer.global_step >= 2:
            torch.cuda.set_sync_debug_mode("warn")

    def on_train_batch_end(self, trainer: Trainer, *arguments: Any) -> None:
        torch.cuda.set_sync_debug_mode("default")

    def _note(self, message: Warning | str, *arguments: Any) -> None:
        if "synchronizing" not in str(message):
            return
        stack = [frame for frame in traceback.extract_stack() if "/warnings.py" not in frame.filename][:-1]
        own = [frame for frame in stack if "/potbench/" in frame.filename] or stack
        FOUND.add(f"{Path(own[-1].filename).stem}.{own[-1].name}: {Path(stack[-1].filename).stem}.{stack[-1].name}")
