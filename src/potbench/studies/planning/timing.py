"""How long the steps of a training take, measured in a process of its own, once for a study."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock

from potbench.errors import DivergedError, RecordError
from potbench.readers.typed_json import from_plain, to_json
from potbench.runs.step_time import TIMED_STEPS, WARM_STEPS, StepTime, measure
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.cell_config import Config, as_timed, identity_of
from potbench.studies.running.commands import STAGES, environment
from potbench.whole_file import write_text

FIT = next(stage for stage in STAGES if stage.name == "fit")


def known_time(folder: StudyFolder, config: Config, threads: int) -> StepTime | None:
    """Return what was measured earlier; None where nothing was.

    Args:
        folder: of the study.
        config: of a cell, of any length.
        threads: of a process.

    Raises:
        RecordError: the file is damaged.
    """
    file = _file(folder, config, threads)
    return _read(file) if file.is_file() else None


def known_times(folder: StudyFolder) -> list[StepTime]:
    """Return all that was measured for a study.

    Raises:
        RecordError: a file is damaged.
    """
    return [_read(file) for file in sorted(folder.timings.glob("*.json"))]


def measured_time(folder: StudyFolder, config: Config, threads: int, label: str) -> StepTime:
    """Return how long the steps of a training take; they are timed where that was not done yet.

    What is measured is kept, so that a study that is planned again has the same steps.

    Args:
        folder: of the study.
        config: of a cell, of any length.
        threads: of a process.
        label: what it is called in messages.

    Raises:
        DivergedError: the training diverged.
        RunError: it failed.
    """
    file = _file(folder, config, threads)
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):  # another process may plan the same study
        known = known_time(folder, config, threads)
        if known is None:
            print(f"Timing {WARM_STEPS + TIMED_STEPS} steps of {label}", flush=True)
            known = _measure(folder, config, threads, label)
            write_text(file, to_json(known))
    return known


def time_unless_diverged(folder: StudyFolder, config: Config, threads: int, label: str) -> None:
    """Time the steps of a training as `measured_time` does, and print where it diverges: that is a result."""
    try:
        measured_time(folder, config, threads, label)
    except DivergedError as error:
        print(error)


def _measure(folder: StudyFolder, config: Config, threads: int, label: str) -> StepTime:
    with TemporaryDirectory(dir=folder.timings) as temporary:
        return measure(config, Path(temporary), FIT.command, environment(threads), label)


def _file(folder: StudyFolder, config: Config, threads: int) -> Path:
    """Return where the times of an architecture on a dataset are kept, whatever its cells train on and how long."""
    accelerator = str(config["trainer"].get("accelerator"))
    return folder.timings / f"{identity_of(as_timed(config), accelerator, str(threads))[:16]}.json"


def _read(file: Path) -> StepTime:
    try:
        return from_plain(StepTime, json.loads(file.read_bytes()))
    except ValueError as error:
        raise RecordError(
            f"{file} is damaged: {error}. Expected the time of a step. Delete it, and it is measured again."
        ) from error
