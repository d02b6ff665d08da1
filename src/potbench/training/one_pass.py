"""Training in one pass over the training set, at whose end something is solved."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Trainer
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

    def require_one_pass(self) -> None:
        """Raise SettingError if the Trainer has more than one epoch or process."""
        for setting, value in {"max_epochs": self.trainer.max_epochs, "devices": self.trainer.world_size}.items():
            if value != 1:
                problem = f"{setting} is {value}, and {self.solved} is solved in one pass, by one process"
                raise SettingError(Trainer, setting, value, "1", problem)
