"""Learning-rate schedules that know how long training will be."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR

from potbench.limits import SCHEDULE, require_positive, require_probability


class OneCycle(OneCycleLR):
    """Learning rate up to a maximum and down to almost nothing, once over the whole training.

    Source: Smith, Topin, arXiv:1708.07120, doi:10.48550/arXiv.1708.07120.

    Args:
        optimizer: whose learning rate follows.
        num_steps: optimizer steps of the whole training; potbench fills it in.
        max_lr: largest learning rate.
        pct_start: fraction of the steps that go up.
        div_factor: largest over first learning rate.
        final_div_factor: first over last learning rate.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        num_steps: int,
        max_lr: float,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        require_positive(SCHEDULE, max_lr=max_lr, div_factor=div_factor, final_div_factor=final_div_factor)
        require_probability(SCHEDULE, pct_start=pct_start)
        super().__init__(
            optimizer,
            max_lr,
            total_steps=num_steps,
            pct_start=pct_start,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
        )

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where an interrupted training was.

        Raises:
            ValueError: that training was planned to be longer or shorter.
        """
        if state_dict["total_steps"] != self.total_steps:
            raise ValueError(
                f"The interrupted run planned its learning rates for {state_dict['total_steps']} steps, this one for "
                f"{self.total_steps}. Expected the same length: leave trainer.max_epochs and data.init_args.batch_size "
                "as they were, or start a new run."
            )
        super().load_state_dict(state_dict)


class StepDecay(LRScheduler):
    """Learning rate multiplied by a factor every so many steps.

    Args:
        optimizer: whose learning rate follows.
        num_steps: optimizer steps of the whole training; not needed here.
        factor: what the learning rate is multiplied by.
        every: how many steps lie between.
    """

    def __init__(self, optimizer: Optimizer, num_steps: int, factor: float = 0.96, every: int = 100_000) -> None:
        require_positive(SCHEDULE, factor=factor, every=every)
        self.factor = factor
        self.every = every
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """Learning rate of each parameter group at the present step."""
        decay = self.factor ** (self.last_epoch // self.every)
        return [rate * decay for rate in self.base_lrs]
