"""A learning rate that rises at the beginning of a training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from typing_extensions import override


class WarmUp(LRScheduler):
    """Multiplies the learning rate by a factor that rises linearly: in step t of n, from 0, it is (t + 1) / (n + 1).

    The learning rate without that factor is remembered, so that every schedule works as if there were no warm-up: one
    that computes the next learning rate from the present one as well as one that does not.

    Args:
        optimizer: whose learning rate is set; its schedule, if any, was made before.
        num_steps: optimizer steps with a factor below 1.

    Attributes:
        scheduled: learning rate without the factor, of each group of weights.
    """

    def __init__(self, optimizer: Optimizer, num_steps: int) -> None:
        self.num_steps = num_steps
        self.scheduled = _rates(optimizer)
        super().__init__(optimizer)

    @override
    def get_lr(self) -> list[float | Tensor]:
        factor = min(1.0, (self.last_epoch + 1) / (self.num_steps + 1))
        return [rate * factor for rate in self.scheduled]

    @contextmanager
    def left_out(self) -> Iterator[None]:
        """Have the schedule advanced within the context as if there were no warm-up."""
        _set_rates(self.optimizer, self.scheduled)
        yield
        self.scheduled = _rates(self.optimizer)
        _set_rates(self.optimizer, self.get_lr())


def _rates(optimizer: Optimizer) -> list[float]:
    return [float(group["lr"]) for group in optimizer.param_groups]


def _set_rates(optimizer: Optimizer, rates: Sequence[float | Tensor]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
