from __future__ import annotations

import pytest
import torch
from lightning.pytorch import Trainer

from potbench.errors import SettingError
from potbench.training import OneCycle, StepDecay


def optimizer(lr: float = 1e-3) -> torch.optim.Optimizer:
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], lr=lr)


def rates(schedule, num_steps: int) -> list[float]:
    found = []
    for _ in range(num_steps):
        found.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return found


def test_one_cycle_rises_to_the_maximum_once_and_falls_to_almost_zero():
    found = rates(OneCycle(optimizer(), 100, max_lr=3e-3), 99)
    peak = found.index(max(found))
    assert peak == 29
    assert max(found) == pytest.approx(3e-3)
    assert found[0] == pytest.approx(3e-3 / 25)
    assert found[: peak + 1] == sorted(found[: peak + 1])
    assert found[peak:] == sorted(found[peak:], reverse=True)
    last = OneCycle(optimizer(), 100, max_lr=3e-3)
    rates(last, 99)
    assert last.get_last_lr()[0] == pytest.approx(3e-3 / 25 / 1e4)


@pytest.mark.parametrize(
    ("momentum", "expected"), [((0.7, 0.9), {0: 0.9, 29: 0.7, 99: 0.9}), (None, {0: 0.8, 29: 0.8})]
)
def test_one_cycle_moves_the_momentum_against_the_learning_rate_or_leaves_it(momentum, expected):
    adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))], betas=(0.8, 0.99))
    schedule = OneCycle(adam, 100, max_lr=3e-3, momentum=momentum)
    found = []
    for _ in range(100):
        found.append(adam.param_groups[0]["betas"])
        adam.step()
        schedule.step()
    assert {step: found[step][0] for step in expected} == pytest.approx(expected)
    assert {betas[1] for betas in found} == {0.99}


@pytest.mark.parametrize("num_steps", [1, 2, 3, 10, 100])
def test_one_cycle_fits_trainings_of_any_length(num_steps):
    found = rates(OneCycle(optimizer(), num_steps, max_lr=1e-2), num_steps - 1)
    assert all(0 < rate <= 1e-2 for rate in found)


def test_step_decay_multiplies_every_so_many_steps():
    found = rates(StepDecay(optimizer(1.0), 1000, factor=0.5, every=3), 10)
    assert found == pytest.approx([1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125])


def test_step_decay_is_by_default_that_of_schnet():
    schedule = StepDecay(optimizer(1e-3), 1)
    schedule.last_epoch = 200_000
    assert schedule.get_lr() == pytest.approx([1e-3 * 0.96**2])


@pytest.mark.parametrize("kind", [lambda o: OneCycle(o, 40, max_lr=1e-2), lambda o: StepDecay(o, 40, every=7)])
def test_a_restored_schedule_continues_where_it_was(kind):
    straight = rates(kind(optimizer()), 39)
    first = kind(optimizer())
    before = rates(first, 17)
    second = kind(optimizer())
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert before + rates(second, 22) == pytest.approx(straight)


def test_one_cycle_of_another_length_is_refused():
    planned = OneCycle(optimizer(), 100, max_lr=1e-2).state_dict()
    with pytest.raises(SettingError) as caught:
        OneCycle(optimizer(), 200, max_lr=1e-2).load_state_dict(planned)
    assert str(caught.value) == (
        "The interrupted run planned its learning rates for 100 steps, this one for 200. Expected the same length: "
        "max_epochs and batch_size as they were, or a new run. Change the argument max_epochs of Trainer."
    )
    assert (caught.value.owner, caught.value.setting) == (Trainer, "max_epochs")


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (OneCycle, {"max_lr": 0.0}, "max_lr is 0.0, expected more than 0. Change the argument max_lr of OneCycle."),
        (OneCycle, {"max_lr": 1e-3, "div_factor": -1.0}, "div_factor is -1.0, expected more than 0. Change"),
        (OneCycle, {"max_lr": 1e-3, "final_div_factor": 0.0}, "final_div_factor is 0.0, expected more than 0. Change"),
        (OneCycle, {"max_lr": 1e-3, "pct_start": 1.0}, "pct_start is 1.0, expected at least 0 and less than 1. Change"),
        (
            OneCycle,
            {"max_lr": 1e-3, "momentum": (0.9, 1.0)},
            "momentum is 1.0, expected at least 0 and less than 1. Ch",
        ),
        (StepDecay, {"factor": 0.0}, "factor is 0.0, expected more than 0. Change the argument factor of StepDecay."),
        (StepDecay, {"every": 0}, "every is 0, expected more than 0. Change the argument every of StepDecay."),
    ],
)
def test_arguments_that_cannot_work_are_refused_by_name(kind, arguments, message):
    with pytest.raises(SettingError, match="expected") as caught:
        kind(optimizer(), 100, **arguments)
    assert message in str(caught.value)
    assert caught.value.owner is kind
