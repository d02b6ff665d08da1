"""A callback that makes the first start of a job longer than its time limit."""

from __future__ import annotations

import os
import time
from typing import Any

from lightning.pytorch import Callback


class Pause(Callback):
    """Waits a second before every batch, unless SLURM has started the job again."""

    def on_train_batch_start(self, *arguments: Any) -> None:
        if "SLURM_RESTART_COUNT" not in os.environ:
            time.sleep(1)
