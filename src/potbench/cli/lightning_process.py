"""The process that trains or tests: its memory, its warnings, its end."""

from __future__ import annotations

import logging
import os
import warnings

import torch

from potbench.cli.environment import variable
from potbench.cli.lightning import PotbenchCLI
from potbench.training.memory import keep_freed_memory

NOISE = (
    ".*does not have many workers.*",
    ".*`tensorboardX` has been removed.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*LightningCLI's args parameter is intended.*",
    ".*callbacks used to create the checkpoint need.*",
    ".*smaller than the logging interval.*",
)


def run(command: str, arguments: list[str]) -> int:
    """Run fit, validate or test; return the exit status.

    Args:
        command: its name.
        arguments: what is behind it.
    """
    keep_freed_memory()
    for message in NOISE:
        warnings.filterwarnings("ignore", message=message)
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        PotbenchCLI(command, arguments)
    except SystemExit as stop:
        if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning has tidied up
            raise KeyboardInterrupt("stopped. `python -m potbench fit RUN` resumes a run.") from None
        raise
    finally:
        os.environ.pop(variable(command, "run_dir"), None)
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        # a rank that leaves early can abort the others
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    return 0
