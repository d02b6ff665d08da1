"""How long the steps of a training take, measured in a process of its own, to plan others."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from potbench.errors import DivergedError, RunError
from potbench.runs.with_parent import with_parent
from potbench.whole_file import write_text

WARM_STEPS = 20
TIMED_STEPS = 50
LAST_LINES = 5


@dataclass(frozen=True)
class StepTime:
    """How long training takes, measured in a process of its own.

    Args:
        step: seconds of an optimizer step.
        validation: seconds of a validation.
        start: seconds until the first step, and from the last to the end of the process.
        disk: bytes of the run folder.
        batches: of an epoch; None where it was not asked.
        cpu_step: seconds that all cores together spend on an optimizer step; None where it was not measured.
        cpu_validation: the same of a validation.
    """

    step: float
    validation: float
    start: float
    disk: int
    batches: int | None = None
    cpu_step: float | None = None
    cpu_validation: float | None = None

    def seconds(self, steps: int, validations: int) -> float:
        """Return how long a training takes from its first step to its last."""
        return steps * self.step + validations * self.validation


def measure(
    config: Mapping[str, Any], folder: Path, command: Sequence[str], environment: Mapping[str, str], label: str
) -> StepTime:
    """Train for some steps in a process of its own, and return how long they take.

    Args:
        config: whole config of a training of any length.
        folder: for files that are not kept.
        command: trains; {config} and {run} stand for files in the folder.
        environment: of the process.
        label: what is trained, in messages.

    Raises:
        DivergedError: the training diverged.
        RunError: it failed.
    """
    result, run, short = folder / "times.json", folder / "run", folder / "config.yaml"
    timed = timing_config(config, result, WARM_STEPS, TIMED_STEPS)
    write_text(short, yaml.safe_dump(timed, sort_keys=False, allow_unicode=True))
    began = time.time()
    done = subprocess.run(
        with_parent([word.format(config=short, run=run) for word in command]),
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.time() - began
    if done.returncode or not result.is_file():
        said = " ".join((done.stderr or done.stdout).strip().splitlines()[-LAST_LINES:])
        failed = f"{label} cannot be trained, not even for {WARM_STEPS + TIMED_STEPS} steps: {said}"
        raise _diverged(run, failed) or RunError(failed)
    found: dict[str, Any] = json.loads(result.read_bytes())
    disk = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
    start = took - (found["ended"] - found["began"])
    of_processors = found["cpu_step"], found["cpu_validation"]
    return StepTime(found["step"], found["validation"], start, disk, found["batches"], *of_processors)


def _diverged(run: Path, failed: str) -> DivergedError | None:
    with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
        found = json.loads((run / "record.json").read_bytes())["diverged"]
        return DivergedError(failed, int(found["epoch"]), int(found["step"]))
    return None


def timing_config(config: Mapping[str, Any], file: Path, warm: int, timed: int) -> dict[str, Any]:
    """Return the config that times the steps of a training.

    Args:
        config: of the training.
        file: where the times are written.
        warm: steps before those that are timed.
        timed: steps that are timed; at the end of the last it validates.
    """
    whole = deepcopy(dict(config))
    timer = {
        "class_path": "potbench.runs.step_timer.StepTimer",
        "init_args": {"file": str(file), "timed": timed},
    }
    trainer, steps = whole["trainer"], warm + timed
    trainer |= {"max_steps": steps, "max_epochs": -1, "logger": False, "callbacks": [*callbacks_in(whole), timer]}
    trainer |= {"val_check_interval": steps, "check_val_every_n_epoch": None, "num_sanity_val_steps": 0}
    return whole


def callbacks_in(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the recipes of the callbacks of a config."""
    chosen = config["trainer"].get("callbacks") or []
    return [chosen] if isinstance(chosen, dict) else list(chosen)
