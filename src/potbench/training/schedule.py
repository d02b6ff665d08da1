"""Learning-rate schedules over the whole training."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR
from typing_extensions import override

from potbench.errors import SettingError, require_fraction, require_positive


def steps_of(trainer: Trainer) -> float:
    """Return the optimizer steps of a whole training; infinity for one without an end.

    Raises:
        SettingError: epochs differ in their number of steps, which nobody can plan for.
    """
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if isinstance(callback, GradientAccumulationScheduler) and len(callback.scheduling) > 1:
            name = type(callback).__name__
            problem = f"{name} changes the steps of an epoch, and schedule or loss are planned for a number of steps"
            raise SettingError(Trainer, "callbacks", name, "accumulate_grad_batches of the Trainer", problem)
    return trainer.estimated_stepping_batches


class PlannedSchedule(LRScheduler):
    """A schedule over the whole training: it is advanced at every step, and potbench fills in how many there are.

    A schedule of this kind has the number of steps as its second argument, num_steps.

    Attributes:
        ends: whether it ends with these steps, so that nobody can train on with it.
    """

    ends = True


class OneCycle(OneCycleLR, PlannedSchedule):
    """Learning rate that rises to its maximum and falls to almost zero, once over the whole training.

    Source: Smith, Topin, arXiv:1708.07120, doi:10.48550/arXiv.1708.07120.

    Args:
        optimizer: whose learning rate is set.
        num_steps: optimizer steps of the whole training; potbench fills it in.
        max_lr: largest learning rate.
        pct_start: fraction of the steps in which it rises.
        div_factor: largest over first learning rate.
        final_div_factor: first over last learning rate.
        momentum: its smallest and largest value (of Adam and Muon, the first of betas), which is reached where the
            learning rate is largest and smallest; None leaves it as the optimizer has it.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        num_steps: int,
        max_lr: float,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        momentum: tuple[float, float] | None = (0.85, 0.95),
    ) -> None:
        require_positive(self, max_lr=max_lr, div_factor=div_factor, final_div_factor=final_div_factor)
        require_fraction(self, pct_start=pct_start)
        smallest, largest = momentum or (0.0, 0.0)
        require_fraction(self, momentum=smallest)
        require_fraction(self, momentum=largest)
        super().__init__(
            optimizer,
            max_lr,
            total_steps=num_steps,
            pct_start=pct_start,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            cycle_momentum=momentum is not None,
            base_momentum=smallest,
            max_momentum=largest,
        )

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Resume an interrupted training.

        Raises:
            SettingError: that training was planned to be longer or shorter.
        """
        planned = state_dict["total_steps"]
        if planned != self.total_steps:
            raise SettingError(
                Trainer,
                "max_epochs",
                self.total_steps,
                "the same length: max_epochs and batch_size as they were, or a new run",
                f"The interrupted run planned its learning rates for {planned} steps, this one for {self.total_steps}",
            )
        super().load_state_dict(state_dict)


class StepDecay(PlannedSchedule):
    """Learning rate multiplied by a factor at regular intervals.

    Args:
        optimizer: whose learning rate is set.
        num_steps: optimizer steps of the whole training; not needed here.
        factor: what the learning rate is multiplied by.
        every: optimizer steps between two such changes.
    """

    ends = False

    def __init__(self, optimizer: Optimizer, num_steps: int, factor: float = 0.96, every: int = 100_000) -> None:
        require_positive(self, factor=factor, every=every)
        self.factor = factor
        self.every = every
        super().__init__(optimizer)

    @override
    def get_lr(self) -> list[float | Tensor]:
        decay = self.factor ** (self.last_epoch // self.every)
        return [rate * decay for rate in self.base_lrs]
