"""The optimizer of a training, and its learning rate: by which schedule, advanced when, after which warm-up."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Literal, TypeAlias

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import OptimizerCallable
from torch import nn
from torch.optim import Optimizer, SparseAdam
from torch.optim.lr_scheduler import ChainedScheduler, LRScheduler, OneCycleLR, PolynomialLR, ReduceLROnPlateau

from potbench.errors import SettingError
from potbench.training.muon import Muon
from potbench.training.schedule import PlannedSchedule, steps_of
from potbench.training.warm_up import WarmUp

Interval: TypeAlias = Literal["step", "epoch"]
ScheduleCallable: TypeAlias = Callable[[Optimizer, int], PlannedSchedule] | Callable[[Optimizer], LRScheduler]
"""Makes a schedule of an optimizer, and of the number of steps where it is planned for the whole training."""
MONITORED = "validation/loss"


class Optimization:
    """How the weights of a task are updated.

    Args:
        task: has the settings of the same names.
        optimizer: makes the optimizer.
        schedule: makes the schedule; None for a constant learning rate.
        interval: when the schedule is advanced; None for the default of its kind.
        warmup_steps: optimizer steps in which the learning rate rises.
    """

    def __init__(
        self,
        task: LightningModule,
        optimizer: OptimizerCallable,
        schedule: ScheduleCallable | None,
        interval: Interval | None,
        warmup_steps: int,
    ) -> None:
        self.task = task
        self.optimizer = optimizer
        self.schedule = schedule
        self.interval = interval
        self.warmup_steps = warmup_steps
        self._warm_up: WarmUp | None = None

    def configure(self, weights: Iterable[nn.Parameter]) -> dict[str, Any] | tuple[list[Optimizer], list[Any]]:
        """Make the optimizer and its schedules, as Lightning asks for them, and print when these are advanced.

        Raises:
            SettingError: optimizer or schedule do not accept their arguments, or these do not suit the training.
        """
        optimizer = self._make("optimizer", self.optimizer, weights)
        if isinstance(optimizer, SparseAdam):
            problem = "SparseAdam is for sparse gradients, and those of potentials are dense"
            raise SettingError(self.task, "optimizer", self.optimizer, "another optimizer, such as Adam", problem)
        if isinstance(optimizer, Muon):
            optimizer.leave_out_tables(self.task)
            if not optimizer.has_matrices:
                problem = "Muon orthogonalizes matrices, and the potential has none"
                raise SettingError(self.task, "optimizer", self.optimizer, "another optimizer, such as Adam", problem)
        configured, said = [], []
        if self.schedule is not None:
            schedule, interval = self._scheduled(optimizer, self.schedule)
            configured.append(schedule)
            cycles = getattr(schedule["scheduler"], "cycle_momentum", False)  # OneCycle and others of torch
            with_momentum = ", with the momentum" if cycles else ""
            said.append(f"{type(schedule['scheduler']).__name__}{with_momentum}, advanced after every {interval}")
        self._warm_up = WarmUp(optimizer, self.warmup_steps) if self.warmup_steps else None
        if self._warm_up:
            # the name that Lightning gives the other schedule: else each learning rate would be logged twice
            name = f"lr-{type(optimizer).__name__}"
            configured.append({"scheduler": self._warm_up, "interval": "step", "name": name})
            said.append(f"rising in the first {self.warmup_steps:,} steps")
        if said:
            self.task.trainer.print(f"Learning rate: {'; '.join(said)}.")
        return [optimizer], configured

    def advance(self, schedule: LRScheduler, advance: Callable[[], None]) -> None:
        """Advance a schedule.

        Args:
            schedule: the one of the task, or its warm-up.
            advance: does it.
        """
        if self._warm_up is None or schedule is self._warm_up:
            advance()
        else:
            with self._warm_up.left_out():
                advance()

    def _scheduled(self, optimizer: Optimizer, make: ScheduleCallable) -> tuple[dict[str, Any], str]:
        kind = _kind(make)
        if kind is ChainedScheduler:
            problem = f"{kind.__name__} is made of other schedules, which a setting cannot name"
            raise SettingError(self.task, "schedule", make, "a single schedule", problem)
        is_planned = "num_steps" in inspect.signature(kind).parameters
        interval = self.interval or ("step" if is_planned else "epoch")
        if not is_planned:
            schedule = self._make("schedule", make, optimizer)
        elif interval == "epoch":
            problem = "The schedule is planned for the number of optimizer steps, and would be advanced after epochs"
            raise SettingError(self.task, "schedule_interval", interval, "step, or null", problem)
        else:
            schedule = self._make("schedule", make, optimizer, num_steps=self._num_steps())
        configured = {"scheduler": schedule, "interval": interval}
        if isinstance(schedule, ReduceLROnPlateau):
            configured |= self._after_validations(schedule, interval)
            return configured, "validated epoch"
        if isinstance(schedule, OneCycleLR):  # torch raises an error beyond its end
            self._require_length(schedule, schedule.total_steps, interval)
        if isinstance(schedule, PolynomialLR):  # its learning rate is 0 from then on
            self._require_length(schedule, schedule.total_iters, interval)
        return configured, interval

    def _after_validations(self, schedule: ReduceLROnPlateau, interval: Interval) -> dict[str, Any]:
        trainer, name = self.task.trainer, type(schedule).__name__
        if interval == "step":
            problem = f"{name} looks at the validation loss, which is measured after epochs"
            raise SettingError(self.task, "schedule_interval", interval, "epoch, or null", problem)
        if trainer.check_val_every_n_epoch is None:
            problem = f"{name} looks at the validation loss of an epoch, and check_val_every_n_epoch is null"
            raise SettingError(Trainer, "check_val_every_n_epoch", None, "a number of epochs", problem)
        # Lightning's own class says what it looks at
        monitor = getattr(schedule, "monitor", MONITORED)
        return {"monitor": monitor, "frequency": trainer.check_val_every_n_epoch}

    def _require_length(self, schedule: LRScheduler, end_of_schedule: int, interval: Interval) -> None:
        """Refuse a schedule that would be advanced beyond its end."""
        num_epochs = self.task.trainer.max_epochs
        length = self._num_steps() if interval == "step" else num_epochs
        if length is not None and not 0 <= length <= end_of_schedule:
            end = f"after {length}" if length >= 0 else "at no number that is known"
            problem = f"{type(schedule).__name__} ends after {end_of_schedule} {interval}s, the training {end}"
            raise SettingError(self.task, "schedule", self.schedule, "a schedule that is as long", problem)

    def _num_steps(self) -> int:
        """Return the optimizer steps of the whole training."""
        num_steps = steps_of(self.task.trainer)
        if math.isinf(num_steps):
            problem = "A learning-rate schedule needs the length of the training, and max_epochs is -1"
            raise SettingError(Trainer, "max_epochs", -1, "a number of epochs, or a task without a schedule", problem)
        return int(num_steps)

    def _make(self, setting: str, make: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        try:
            return make(*arguments, **named)
        except SettingError:
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            expected = f"arguments that the {setting} accepts"
            raise SettingError(self.task, setting, make, expected, str(error).rstrip(".")) from error


def _kind(make: Callable[..., Any]) -> Any:
    """Return the class or function behind a partial."""
    while isinstance(make, partial):  # from a config, of a function that makes objects, and of the class
        make = next((part for part in make.args if inspect.isclass(part)), make.func)
    return make
