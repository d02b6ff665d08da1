"""Training in one pass over the training set, at whose end something is solved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Timer, WeightAveraging
from typing_extensions import override

from potbench.errors import SettingError
from potbench.potentials.potential import Potential
from potbench.training.loss import EnergyForcesLoss
from potbench.training.task import Task


class OnePassTask(Task):
    """A task without steps of an optimizer: every batch is seen once.

    Args:
        potential: what is solved.
        loss: by which it is evaluated.
    """

    solved = "the potential"

    def __init__(self, potential: Potential, loss: EnergyForcesLoss) -> None:
        super().__init__(potential, loss)
        self.automatic_optimization = False

    @override
    def configure_optimizers(self) -> Any:
        """Return an optimizer of no weights: Lightning counts its steps, and saves no checkpoint before the first."""
        return torch.optim.SGD([{"params": []}], lr=1.0)

    def count_step(self) -> None:
        """Count the one step, once it is solved."""
        self.optimizers().step()  # type: ignore[union-attr]

    def say_whether_at_an_end(self, name: str, tried: Sequence[float], chosen: float) -> None:
        """Print that a number is the first or last of those to try, where one beyond may be better.

        Args:
            name: what the numbers are.
            tried: the numbers, in order.
            chosen: the one that was the best for the validation set.
        """
        if len(tried) > 1 and chosen in (tried[0], tried[-1]):
            end = "first" if chosen == tried[0] else "last"
            self.trainer.print(
                f"{name} {chosen:g} is the best, and the {end} of those to try: one beyond may be better."
            )

    def require_one_pass(self) -> None:
        """Raise SettingError if the Trainer has more than one epoch or process, or would validate or end before it."""
        for setting, value in {"max_epochs": self.trainer.max_epochs, "devices": self.trainer.world_size}.items():
            if value != 1:
                problem = f"{setting} is {value}, and {self.solved} is solved in one pass, by one process"
                raise SettingError(Trainer, setting, value, "1", problem)
        interval = self.trainer.val_check_interval
        if interval not in (None, 1.0) or isinstance(interval, int):
            problem = f"val_check_interval is {interval}, and {self.solved} is solved at the end of its one pass"
            raise SettingError(Trainer, "val_check_interval", interval, "1.0, the end of the pass", problem)
        for setting, kind in {"max_time": Timer, "callbacks": WeightAveraging}.items():
            if found := [each for each in self.trainer.callbacks if isinstance(each, kind)]:  # type: ignore[attr-defined]
                name = type(found[0]).__name__
                problem = f"{setting} has a {name}, and {self.solved} is solved at the end of one pass, without steps"
                raise SettingError(Trainer, setting, name, "none", problem)
