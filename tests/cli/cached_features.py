"""A callback that prints what a process did for cached features."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from potbench.training.feature_cache import callback, on_disk


class Report(Callback):
    """Prints what this process has computed, and how many files of derivatives are mapped into its memory."""

    def __init__(self) -> None:
        self.computed = "nothing"
        callback.in_memory = self._noting("derivatives", callback.in_memory)
        on_disk._write = self._noting("features", on_disk._write)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        maps = Path("/proc/self/maps").read_text().splitlines()
        mapped = {line.split()[5] for line in maps if "derivatives-" in line}
        print(f"process {trainer.global_rank} computed {self.computed}, mapped {len(mapped)} files", flush=True)

    def _noting(self, what: str, compute: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            assert self.computed == "nothing"
            self.computed = what
            return compute(*arguments)

        return noted
