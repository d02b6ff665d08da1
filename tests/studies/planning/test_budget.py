import pytest

from potbench.errors import PotbenchError
from potbench.runs.step_time import StepTime
from potbench.studies.planning.budget import Length, length_of, steps_per_epoch
from potbench.studies.study import BudgetOfStudy

TIME = StepTime(step=0.5, validation=2.0, start=9.0, disk=0)


def test_an_epoch_has_as_many_steps_as_the_sampler_has_batches() -> None:
    assert steps_per_epoch(100, 16) == 7
    assert steps_per_epoch(100, 16, accumulated=2) == 4
    assert steps_per_epoch(96, 16) == 6


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("steps", 1000, Length(1000, None, 50)),
        ("epochs", 40, Length(280, 40, 14)),
        ("frames", 10_000, Length(700, None, 35)),
        ("wall_time", 100, Length(120, None, 6)),  # 20 validations take 40 seconds of them
    ],
)
def test_what_is_equal_is_turned_into_steps(rule: str, value: float, expected: Length) -> None:
    assert length_of(BudgetOfStudy(rule=rule, value=value), 100, 16, time=TIME) == expected  # type: ignore[arg-type]


def test_all_validate_equally_often_whatever_their_steps_are_made_of() -> None:
    budget = BudgetOfStudy(value=1000, validations=10)
    assert length_of(budget, 100, 16, accumulated=4).interval == 400  # in batches
    assert length_of(budget, 5000, 2).interval == 100
    assert length_of(BudgetOfStudy(value=3, validations=10), 100, 16).interval == 1
    assert length_of(BudgetOfStudy(value=1000, validations=None), 100, 16).interval is None


def test_seconds_that_are_not_enough_for_a_step_are_refused() -> None:
    with pytest.raises(
        PotbenchError, match=r"^40 seconds are too few: a step takes 0\.5, a validation 2\. .* or tuning\.budget"
    ):
        length_of(BudgetOfStudy(rule="wall_time", value=40), 100, 16, time=TIME)


def test_a_training_takes_its_steps_and_its_validations() -> None:
    assert TIME.seconds(steps=120, validations=20) == 100
