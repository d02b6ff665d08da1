"""A training that is as long as some time allows: planned in steps, so that its schedule ends when the time does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from potbench.errors import SettingError
from potbench.runs.step_time import StepTime
from potbench.units import Quantity

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0}
TIME = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|min|h)( CPU)?")


@dataclass(frozen=True)
class Planned:
    """What the length of a training was planned from.

    Args:
        time: from the first step to the last, validations included, that it was to take: in s, or in CPU s of all
            cores together.
        steps: optimizer steps that were planned.
        step: time of one, as it was measured.
        validation: time of a validation, as it was measured.
    """

    time: Quantity
    steps: int
    step: Quantity
    validation: Quantity

    @property
    def text(self) -> str:
        """Return what was planned, in a sentence."""
        step, validation = self.step.value or 0.0, self.validation.value or 0.0
        return (
            f"{self.steps:,} steps are planned for {self.time.value:g} {self.time.unit}: a step takes {step:.3g} "
            f"{self.step.unit}, a validation {validation:.3g} {self.validation.unit}."
        )


def seconds_of(budget: str) -> float:
    """Return the seconds of a time such as 300s, 5min, 2h or 5min CPU.

    Raises:
        SettingError: it is none.
    """
    found = TIME.fullmatch(budget.strip())
    seconds = float(found[1]) * SECONDS[found[2]] if found else 0.0
    if not seconds:
        raise SettingError(seconds_of, "budget", budget, "a time above zero, such as 300s, 5min, 2h or 5min CPU")
    return seconds


def time_of(budget: str) -> Quantity:
    """Return what a time such as 5min or 5min CPU means: seconds, or CPU seconds of all cores together.

    Raises:
        SettingError: it is none.
    """
    return Quantity.of(seconds_of(budget), "CPU s" if budget.strip().endswith("CPU") else "s")


def plan(budget: str, time: StepTime, trainer: Mapping[str, Any]) -> Planned:
    """Return how many steps a time allows for, with their validations and the one at the end.

    Args:
        budget: the time.
        time: of a step and of a validation.
        trainer: settings of the Trainer, which say how often it validates.

    Raises:
        SettingError: it does not allow for one step.
    """
    wanted, seconds = time_of(budget), seconds_of(budget)
    step, validation = time.step, time.validation
    if wanted.unit == "CPU s":
        assert time.cpu_step is not None
        assert time.cpu_validation is not None
        step, validation = time.cpu_step, time.cpu_validation
    each = step + validation / _steps_between_validations(trainer, time.batches or 1)
    # the last validation comes wherever the training ends: on average, half a one more than in whole periods
    steps = int((seconds - validation / 2) / each)
    if steps < 1 or seconds < step + validation:
        problem = (
            f"{budget} are not enough for a step and a validation, which take {step:.3g} {wanted.unit} and "
            f"{validation:.3g} {wanted.unit}"
        )
        raise SettingError(seconds_of, "budget", budget, "more time", problem)
    return Planned(wanted, steps, Quantity.of(step, wanted.unit), Quantity.of(validation, wanted.unit))


def _steps_between_validations(trainer: Mapping[str, Any], batches: int) -> float:
    interval = trainer.get("val_check_interval") or 1.0
    epochs = trainer.get("check_val_every_n_epoch")
    within = interval if isinstance(interval, int) else max(1, int(interval * batches))
    # counted through all epochs, or anew in each that is validated
    between = within if epochs is None else epochs * batches / max(1, batches // within)
    return float(between) / float(trainer.get("accumulate_grad_batches") or 1)
