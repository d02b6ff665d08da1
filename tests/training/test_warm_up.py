from __future__ import annotations

from functools import partial

import pytest
import torch
from torch.optim import lr_scheduler

from potbench.training import OneCycle
from potbench.training.warm_up import WarmUp

LENGTH = 30
SCHEDULES = {
    "none": None,
    # the next learning rate from the present one
    "StepLR": partial(lr_scheduler.StepLR, step_size=3),
    "ExponentialLR": partial(lr_scheduler.ExponentialLR, gamma=0.9),
    "CosineAnnealingLR": partial(lr_scheduler.CosineAnnealingLR, T_max=20),
    "LinearLR": partial(lr_scheduler.LinearLR, total_iters=12),
    # the next learning rate from the number of steps
    "LambdaLR": partial(lr_scheduler.LambdaLR, lr_lambda=lambda step: 1 / (1 + step)),
    "CosineAnnealingWarmRestarts": partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=7),
    "OneCycle": partial(OneCycle, num_steps=LENGTH, max_lr=0.1),
    # from what is measured
    "ReduceLROnPlateau": partial(lr_scheduler.ReduceLROnPlateau, patience=1),
}


def trained(name: str, warm_up_steps: int | None, state: list[dict] | None = None) -> tuple[list[float], list[dict]]:
    """Learning rates of a training of 30 steps, and states after the tenth; or the rates from there on."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(2))], lr=0.5)
    schedule = SCHEDULES[name] and SCHEDULES[name](optimizer)
    warm_up = WarmUp(optimizer, warm_up_steps) if warm_up_steps is not None else None
    parts = [part for part in (optimizer, schedule, warm_up) if part]
    if state:
        for part, saved in zip(parts, state, strict=True):
            part.load_state_dict(saved)
    rates, states = [], []
    for step in range(10 if state else 0, LENGTH):
        if step == 10:
            states = [part.state_dict() for part in parts]
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        advance = partial(schedule.step, *([1.0] if name == "ReduceLROnPlateau" else [])) if schedule else lambda: None
        if warm_up:
            with warm_up.left_out():
                advance()
            warm_up.step()
        else:
            advance()
    return rates, states


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_learning_rate_is_that_of_the_schedule_times_a_factor_that_rises_to_one(name):
    alone, warmed = trained(name, None)[0], trained(name, 15)[0]
    factors = [min(1.0, (step + 1) / 16) for step in range(LENGTH)]
    assert warmed == [rate * factor for rate, factor in zip(alone, factors, strict=True)]
    # from there on not a digit differs
    assert warmed[15:] == alone[15:]


@pytest.mark.parametrize("name", SCHEDULES)
def test_it_continues_within_the_warm_up(name):
    rates, states = trained(name, 15)
    assert trained(name, 15, states)[0] == rates[10:]


def test_each_group_of_weights_keeps_its_own_learning_rate():
    groups = [{"params": [torch.nn.Parameter(torch.zeros(2))], "lr": rate} for rate in (0.1, 0.4)]
    optimizer = torch.optim.SGD(groups)
    WarmUp(optimizer, 3)
    assert [group["lr"] for group in optimizer.param_groups] == [0.025, 0.1]
