"""How long a cell trains, by the rule of its study."""

from __future__ import annotations

import math
from dataclasses import dataclass

from potbench.errors import PotbenchError
from potbench.runs.step_time import StepTime
from potbench.studies.study import BudgetOfStudy


@dataclass(frozen=True)
class Length:
    """How long a cell trains.

    Args:
        steps: optimizer steps.
        epochs: passes over the training frames, the last of which may end early; None without a limit.
        interval: batches from one validation to the next; None for what the config says.
    """

    steps: int
    epochs: int | None
    interval: int | None


def steps_per_epoch(num_train: int, batch_size: int, accumulated: int = 1) -> int:
    """Return the optimizer steps of an epoch.

    Args:
        num_train: training frames.
        batch_size: frames in a batch, at most.
        accumulated: batches of a step.
    """
    return math.ceil(math.ceil(num_train / batch_size) / accumulated)


def length_of(
    budget: BudgetOfStudy, num_train: int, batch_size: int, accumulated: int = 1, time: StepTime | None = None
) -> Length:
    """Return how long a training is that is not solved at once, by a rule that makes something equal.

    Args:
        budget: of the study.
        num_train: training frames.
        batch_size: frames in a batch, at most.
        accumulated: batches of a step.
        time: of its steps; needed where seconds are equal.

    Raises:
        PotbenchError: the seconds are not enough for a step.
    """
    assert budget.value is not None
    an_epoch = steps_per_epoch(num_train, batch_size, accumulated)
    steps = {
        "steps": budget.value,
        "epochs": budget.value * an_epoch,
        # frames of an epoch are divided among its batches evenly
        "frames": budget.value / num_train * an_epoch,
        "wall_time": _steps_within(budget, time),
    }[budget.rule]
    steps = max(1, round(steps))
    interval = None if budget.validations is None else max(1, round(steps * accumulated / budget.validations))
    return Length(steps, int(budget.value) if budget.rule == "epochs" else None, interval)


def _steps_within(budget: BudgetOfStudy, time: StepTime | None) -> float:
    if budget.rule != "wall_time":
        return 0.0
    assert time is not None
    assert budget.value is not None
    steps = (budget.value - (budget.validations or 1) * time.validation) / time.step
    if steps < 1:
        raise PotbenchError(
            f"{budget.value:g} seconds are too few: a step takes {time.step:.3g}, a validation {time.validation:.3g}. "
            f"Expected seconds for one step and {budget.validations or 1} validations. Raise budget.value, or "
            "tuning.budget where it is the part of it that a trial trains, or lower budget.validations."
        )
    return steps
