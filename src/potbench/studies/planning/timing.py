"""How long the steps of a training take, measured in a process of its own, once for a study."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from filelock import FileLock

from potbench.errors import RecordError, RunError
from potbench.readers.typed_json import from_plain, to_json
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.budget import StepTime
from potbench.studies.planning.cell_config import Config, as_timed, identity_of, timing_config
from potbench.studies.running.commands import STAGES, environment
from potbench.whole_file import write_text

WARM_STEPS = 20
TIMED_STEPS = 50
LAST_LINES = 5
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
        RunError: the training failed.
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


def _measure(folder: StudyFolder, config: Config, threads: int, label: str) -> StepTime:
    with TemporaryDirectory(dir=folder.timings) as temporary:
        place = Path(temporary)
        result, run, short = place / "times.json", place / "run", place / "config.yaml"
        timed = timing_config(config, result, WARM_STEPS, TIMED_STEPS)
        write_text(short, yaml.safe_dump(timed, sort_keys=False, allow_unicode=True))
        began = time.time()
        done = subprocess.run(
            [word.format(config=short, run=run) for word in FIT.command],
            env=environment(threads),
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.time() - began
        if done.returncode or not result.is_file():
            said = " ".join((done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:])
            raise RunError(f"{label} cannot be trained, not even for {WARM_STEPS + TIMED_STEPS} steps: {said}")
        found: dict[str, Any] = json.loads(result.read_bytes())
        disk = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
        return StepTime(found["step"], found["validation"], took - (found["ended"] - found["began"]), disk)


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
