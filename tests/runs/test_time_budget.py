from __future__ import annotations

from typing import Any

import pytest

from potbench.errors import SettingError
from potbench.runs.step_time import StepTime
from potbench.runs.time_budget import plan, seconds_of
from potbench.units import Quantity

EVERY_EPOCH = {"val_check_interval": 1.0, "check_val_every_n_epoch": 1, "accumulate_grad_batches": 1}


@pytest.mark.parametrize(
    ("written", "seconds"), [("300s", 300), ("5min", 300), ("2h", 7200), (" 0.5 min ", 30), ("5min CPU", 300)]
)
def test_a_time_has_a_unit(written: str, seconds: float) -> None:
    assert seconds_of(written) == seconds


@pytest.mark.parametrize(
    "written", ["", "5", "min", "-5min", "0s", "5 minutes", "5min GPU", "nan s", "1h30min", "inf h"]
)
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(SettingError, match=r"expected a time above zero, such as 300s, 5min, 2h or 5min CPU"):
        seconds_of(written)


@pytest.mark.parametrize(
    ("settings", "batches", "between"),
    [
        (EVERY_EPOCH, 40, 40),
        ({**EVERY_EPOCH, "check_val_every_n_epoch": 5}, 40, 200),
        ({**EVERY_EPOCH, "val_check_interval": 0.25}, 40, 10),
        ({**EVERY_EPOCH, "val_check_interval": 15}, 40, 20),
        ({**EVERY_EPOCH, "val_check_interval": 15, "check_val_every_n_epoch": None}, 40, 15),
        ({**EVERY_EPOCH, "accumulate_grad_batches": 4}, 40, 10),
    ],
)
def test_steps_and_their_validations_take_the_time(settings: dict[str, Any], batches: int, between: int) -> None:
    time = StepTime(step=0.1, validation=2.0, start=20.0, disk=0, batches=batches)
    planned = plan("5min", time, settings)
    assert planned.time == Quantity.of(300.0, "s")
    takes = planned.steps * 0.1 + (planned.steps / between + 0.5) * 2.0
    assert 300.0 - 0.1 - 2.0 / between < takes <= 300.0


def test_a_time_without_room_for_a_step_is_refused() -> None:
    time = StepTime(step=2.0, validation=4.0, start=0.0, disk=0, batches=10)
    assert plan("7s", time, EVERY_EPOCH).steps >= 1
    with pytest.raises(SettingError, match="5s are not enough for a step and a validation, which take 2 s and 4 s"):
        plan("5s", time, EVERY_EPOCH)


def test_a_time_of_processors_is_planned_by_theirs() -> None:
    time = StepTime(step=9.0, validation=9.0, start=0.0, disk=0, batches=10, cpu_step=1.0, cpu_validation=5.0)
    planned = plan("152.5s CPU", time, EVERY_EPOCH)
    assert planned.text == "100 steps are planned for 152.5 CPU s: a step takes 1 CPU s, a validation 5 CPU s."
    with pytest.raises(SettingError, match=r"2s CPU are not enough .* which take 1 CPU s and 5 CPU s"):
        plan("2s CPU", time, EVERY_EPOCH)
