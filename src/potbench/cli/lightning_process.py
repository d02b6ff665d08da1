"""The process that trains or tests: its memory, its warnings, its end."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import ExitStack

import torch

from potbench.cli.environment import variable
from potbench.cli.evaluation import EvaluationCLI
from potbench.cli.fit import FitCLI
from potbench.cli.fit_start import NothingToDo
from potbench.runs.processes import is_first
from potbench.runs.signals import Stopped
from potbench.training.memory import keep_freed_memory

NOISE = (
    ".*does not have many workers.*",
    ".*`tensorboardX` has been removed.*",
    ".*isinstance.treespec, LeafSpec.*",
    ".*LightningCLI's args parameter is intended.*",
    ".*callbacks used to create the checkpoint need.*",
    ".*smaller than the logging interval.*",
    # LightningCLI calls methods of jsonargparse by names that have become old
    r"\s*By default only one JsonargparseDeprecationWarning.*",
    r"\s*``instantiate_classes`` was deprecated.*",
    r"\s*skip_none parameter was deprecated.*",
    # torch compares strides of dimensions of size one, such as that of a layer with one output, which mean nothing
    "Grad strides do not match bucket view strides.*",
    # Lightning asks whether SLURM has started it, before it knows that potbench has its own answer
    ".*The `srun` command is available.*",
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
    logging.getLogger("lightning.pytorch.profilers").setLevel(logging.INFO)  # the table that a profiler is asked for
    with ExitStack() as at_the_end:
        at_the_end.callback(os.environ.pop, variable(command, "run_dir"), None)
        if command == "fit":
            # tasks ask for it too, which reaches none of the threads that torch has started by then
            torch.set_flush_denormal(True)
            at_the_end.callback(torch.set_flush_denormal, False)
        try:
            (FitCLI if command == "fit" else EvaluationCLI)(command, arguments, at_the_end)
        except NothingToDo as reason:
            return _said(str(reason), 0)
        except Stopped as stop:
            _leave(waits=not stop.lost)
            return _said(f"\npotbench: {stop}", stop.status)
        except SystemExit as stop:
            if isinstance(stop.__context__, KeyboardInterrupt):  # Lightning has tidied up
                raise KeyboardInterrupt("stopped. `python -m potbench fit RUN` resumes a run.") from None
            raise
        _leave(waits=True)
    return 0


def _leave(waits: bool) -> None:
    """Take leave of the other processes of a training; without it, the end of the process takes long.

    Args:
        waits: whether to wait for them: one that leaves early can abort the others.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        if waits:
            torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def _said(message: str, status: int) -> int:
    """Print a message, once for all processes; return the exit status."""
    if is_first():
        print(message, file=sys.stderr if status else sys.stdout)
    return status
