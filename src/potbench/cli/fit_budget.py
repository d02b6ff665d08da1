"""fit --budget: the length of a training by its time."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from jsonargparse import Namespace

from potbench.cli import known
from potbench.cli.environment import is_setting
from potbench.cli.parsing import flags_in
from potbench.errors import PotbenchError, RunError
from potbench.runs.folder import RunFolder
from potbench.runs.processes import started
from potbench.runs.record import Record
from potbench.runs.step_time import TIMED_STEPS, WARM_STEPS, measure
from potbench.runs.time_budget import Planned, plan, seconds_of, time_of
from potbench.studies.running.commands import POTBENCH
from potbench.training.one_pass import OnePassTask

LENGTHS = ("max_epochs", "max_steps", "max_time")
FIT = (*POTBENCH, "fit", "--config", "{config}", "--run_dir", "{run}")


def require_plannable(settings: Namespace, arguments: list[str]) -> None:
    """Refuse a budget together with what it cannot be together with.

    Args:
        settings: of fit.
        arguments: as they were typed.

    Raises:
        PotbenchError: something is.
    """
    seconds_of(settings.budget)
    given = f"--budget is {settings.budget}"
    for name in (*LENGTHS, "fast_dev_run"):
        if f"trainer.{name}" in flags_in(arguments):
            raise PotbenchError(f"{given}, and so is --trainer.{name}. Expected one of them. Remove one.")
    if settings.run or settings.train_on:
        raise PotbenchError(
            f"{given}, and the run that is to be resumed has a length of its own. Expected a new run. Remove --budget."
        )
    if is_solved(str(settings.model.class_path)):
        raise PotbenchError(
            f"{given}, and {settings.model.class_path} solves the potential in one pass, however long that takes. "
            "Expected a task that trains step by step. Remove --budget."
        )
    if started() or (settings.trainer.devices, settings.trainer.num_nodes) not in {("auto", 1), (1, 1), ("1", 1)}:
        raise PotbenchError(f"{given}, and steps are timed on one device. Expected --trainer.devices 1. Add it.")


def is_solved(task: str) -> bool:
    """Return whether a class path is that of a task that solves a potential in one pass."""
    kind = known.find(task)
    return isinstance(kind, type) and issubclass(kind, OnePassTask)


def planned_steps(settings: Namespace, config: str, allow: list[str]) -> Planned:
    """Time steps in a process of their own, and have the training planned for the time.

    Args:
        settings: of fit; its length is changed.
        config: of the run, as YAML.
        allow: packages that are trusted.

    Raises:
        RunError: the training failed.
    """
    print(f"Timing {WARM_STEPS + TIMED_STEPS} steps", flush=True)
    command = (*FIT, "--allow", *allow) if allow else FIT
    with TemporaryDirectory() as folder:
        # settings of this command, such as its budget, are not those of the one that is timed
        kept = {name: value for name, value in os.environ.items() if not is_setting(name)}
        time = measure(yaml.safe_load(config), Path(folder), command, kept, "The potential")
    planned = plan(settings.budget, time, vars(settings.trainer))
    _set_length(settings, planned.steps)
    print(planned.text, flush=True)
    return planned


def keep_planned_steps(run: RunFolder, settings: Namespace) -> None:
    """Have a run that is resumed keep the length that was planned when it began.

    Raises:
        RunError: it was not planned, or for another time.
    """
    planned = Record.load(run.path).planned
    if planned is None:
        raise RunError(
            f"--budget is {settings.budget}, and {run.path} was begun without one, with a length of its own. Expected "
            "the command that began it. Remove --budget, or choose another folder."
        )
    if planned.time != time_of(settings.budget):
        raise RunError(
            f"--budget is {settings.budget}, and the schedule of {run.path} was planned for {planned.time.value:g} "
            f"{planned.time.unit}. Expected the command that began it. Change --budget, or choose another folder."
        )
    _set_length(settings, yaml.safe_load(run.config.read_text(encoding="utf-8"))["trainer"]["max_steps"])


def _set_length(settings: Namespace, steps: int) -> None:
    settings.trainer.max_steps = steps
    settings.trainer.max_epochs, settings.trainer.max_time = -1, None
