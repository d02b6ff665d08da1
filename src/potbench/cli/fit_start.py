"""How fit begins: at the beginning, where a run was interrupted, or not at all."""

from __future__ import annotations

import shlex
from pathlib import Path

from jsonargparse import Namespace
from torch.optim.lr_scheduler import OneCycleLR

from potbench.cli import known
from potbench.cli.fit_budget import is_solved
from potbench.errors import PotbenchError, RunError
from potbench.runs.checkpoint import read_checkpoint
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.training.schedule import PlannedSchedule

FIT = "python -m potbench fit"


class NothingToDo(Exception):  # noqa: N818 — nothing is wrong
    """The command has nothing to do; the message says why."""


def checkpoint_to_resume(run: RunFolder, settings: Namespace) -> Path | None:
    """Return the checkpoint that training resumes from; None where it begins at the beginning.

    All processes of a run ask, and get the same answer: none has changed a file that is looked at.

    Args:
        run: the folder, which belongs to this process or to the first of several.
        settings: of fit; where a run trains on, those that end the training are changed.

    Raises:
        NothingToDo: the run is finished, and was to be resumed only where it is not.
        RunError: the folder holds a run that is not to be resumed, or that is finished.
    """
    if settings.ckpt_path:
        _require_last(run, Path(str(settings.ckpt_path)))
    resumes = bool(settings.run or settings.resume or settings.ckpt_path)
    if settings.train_on is not None:
        _train_on(run, settings)
    elif run.state == "finished" and resumes and not _asks_for_more(run, settings.trainer):
        said = f"{run.path} is finished, after {_budget(run)}."
        if settings.resume:
            raise NothingToDo(said)
        raise RunError(f"{said} Expected a run that was interrupted. {_how_to_train_on(run)}")
    elif run.state in {"interrupted", "finished"} and not resumes:
        raise RunError(
            f"{run.path} already holds a run, and nothing is overwritten. Expected a new folder: change --run_dir, or "
            f"resume that run: {FIT} {_quoted(run)}."
        )
    if settings.ckpt_path or run.state in {"interrupted", "finished"}:
        return run.checkpoint("last")
    if run.state == "started":
        _require_nothing_lost(run)
    return None


def parent_of_resumed(run: RunFolder, named: str | None) -> str | None:
    """Return the checkpoint whose weights a run started from, which need not be there any more; None for none.

    Args:
        run: that is resumed.
        named: by --from.

    Raises:
        RunError: one is named, and the run started from no other weights.
    """
    parent: str | None = _saved(run).get("from")  # type: ignore[assignment]
    if named and not parent:
        raise RunError(
            f"--from is {named}, and {run.path} did not start from the weights of another run. Expected a new folder. "
            "Change --run_dir, or remove --from."
        )
    return parent


def _require_last(run: RunFolder, checkpoint: Path) -> None:
    if str(checkpoint) != "last" and checkpoint.resolve() != run.last.resolve():
        file = run.best if str(checkpoint) == "best" else checkpoint
        raise PotbenchError(
            f"ckpt_path is {str(checkpoint)!r}, and a run resumes from its own last checkpoint alone. Expected last. "
            f"To start a new run from the weights of another: {FIT} --from {shlex.quote(str(file))}."
        )


def _require_nothing_lost(run: RunFolder) -> None:
    """Refuse to begin again where the last checkpoint of a longer training is missing."""
    if run.best.is_file() and read_checkpoint(run.best).epoch:
        raise RunError(
            f"{run.last} does not exist, and {run.best.name} is of a later epoch than the first. Expected the last "
            f"checkpoint of the run. Restore it, or start a new run: {FIT} --from {_quoted(run)}."
        )


def _train_on(run: RunFolder, settings: Namespace) -> None:
    """Have a finished run trained for more epochs, whatever ended it."""
    if settings.train_on < 1:
        raise PotbenchError(f"--train_on is {settings.train_on}, expected a number of epochs, at least 1.")
    if run.state != "finished":
        advice = "Choose another folder." if run.state == "new" else f"Resume it first: {FIT} {_quoted(run)}."
        raise RunError(
            f"--train_on is {settings.train_on}, and {run.path} is not finished. Expected a finished run. {advice}"
        )
    schedule = _schedule_that_ends(run)
    if schedule:
        raise RunError(
            f"--train_on is {settings.train_on}, and the learning rate of {run.path} has come to its end: "
            f"{schedule} was planned for {_budget(run)}. Expected a schedule without an end. {_how_to_train_on(run)}"
        )
    budget = Record.load(run.path).budget
    assert budget is not None
    settings.trainer.max_epochs = budget.epochs + settings.train_on
    settings.trainer.max_steps, settings.trainer.max_time = -1, None


def _asks_for_more(run: RunFolder, trainer: Namespace) -> bool:
    """Return whether a training is to be longer than the run was meant to be."""
    earlier = _saved(run).get("trainer", {})
    for limit in ("max_epochs", "max_steps"):
        then, now = (None if value == -1 else value for value in (earlier.get(limit), trainer[limit]))
        if then is not None and (now is None or now > then):
            return True
    return bool(earlier.get("max_time") != trainer.max_time)


def _how_to_train_on(run: RunFolder) -> str:
    if is_solved(str(_saved(run).get("model", {}).get("class_path"))):
        return "What is solved in one pass cannot be trained for longer."
    if _schedule_that_ends(run):
        return f"To train on from its weights, in a new run with a schedule of its own: {FIT} --from {_quoted(run)}."
    return f"To train it for more epochs: {FIT} {_quoted(run)} --train_on EPOCHS."


def _schedule_that_ends(run: RunFolder) -> str | None:
    """Return the class path of a schedule that is planned for the length of the training; None without one."""
    schedule = _saved(run).get("model", {}).get("init_args", {}).get("schedule") or {}
    path = schedule.get("class_path") if isinstance(schedule, dict) else None
    kind = known.find(str(path))
    if not isinstance(kind, type):
        return None
    return str(path) if issubclass(kind, OneCycleLR) or (issubclass(kind, PlannedSchedule) and kind.ends) else None


def _budget(run: RunFolder) -> str:
    budget = Record.load(run.path).budget
    assert budget is not None
    return f"{budget.epochs:,} epochs and {budget.steps:,} steps"


def _saved(run: RunFolder) -> dict[str, dict]:  # type: ignore[type-arg]
    config = known.content(run.config)
    return config if isinstance(config, dict) else {}


def _quoted(run: RunFolder) -> str:
    return shlex.quote(str(run.path))
