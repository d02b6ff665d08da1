"""A loss whose weights change over the training, such as forces first and energies later."""

from __future__ import annotations

import math
from collections.abc import Callable

from lightning.pytorch import Trainer
from torch import nn
from typing_extensions import override

from potbench.errors import SettingError
from potbench.training.loss import EnergyForcesLoss, Weights, require_weights


class ChangingLoss(EnergyForcesLoss):
    """Weighted errors of energies and forces, with weights that change linearly from the first to the final ones.

    Validation uses the final weights from the beginning, so that its losses can be compared over the whole training.

    Times are fractions of the training where they are at most 1, else numbers of optimizer steps; with two equal times
    the weights change at once.

    Args:
        energy: final weight of the energies (errors in eV).
        forces: final weight of the forces (errors in eV/Å).
        error: an elementwise loss of torch such as torch.nn.MSELoss, torch.nn.L1Loss or torch.nn.HuberLoss.
        per_atom: whether energy errors are divided by the number of atoms first.
        first_energy: weight of the energies at first.
        first_forces: weight of the forces at first.
        begin: time until which the weights are the first ones.
        end: time from which on they are the final ones.

    Attributes:
        num_steps: optimizer steps for which the training was planned; those of a resumed one do not change.
    """

    def __init__(
        self,
        energy: float = 1.0,
        forces: float = 1.0,
        error: Callable[[], nn.Module] = nn.MSELoss,
        per_atom: bool = False,
        first_energy: float = 0.0,
        first_forces: float = 1.0,
        begin: float = 0.5,
        end: float = 0.5,
    ) -> None:
        super().__init__(energy, forces, error, per_atom)
        require_weights(self, first_energy=first_energy, first_forces=first_forces)
        if first_energy + first_forces == 0:
            problem = "The first weights of energy and forces are both 0"
            raise SettingError(self, "first_energy", first_energy, "one of them above 0", problem)
        for name, time in {"begin": begin, "end": end}.items():
            if not (0 <= time <= 1 or (time < math.inf and time == int(time))):
                raise SettingError(self, name, time, "a fraction of the training, or a whole number of steps above 1")
        self.first_energy = first_energy
        self.first_forces = first_forces
        self.begin = begin
        self.end = end
        self.num_steps: float | None = None
        if (begin <= 1) == (end <= 1):  # else the length of the training decides
            self._require_order(begin, end)

    @property
    @override
    def needs_forces(self) -> bool:
        return self.forces > 0 or self.first_forces > 0

    @override
    def plan(self, num_steps: Callable[[], float]) -> None:
        """Find out when the weights change.

        Args:
            num_steps: returns the optimizer steps of the training; infinity where they are not known.

        Raises:
            SettingError: the weights would never be the final ones, or times are fractions of an unknown length.
        """
        if self.num_steps is None:
            self.num_steps = num_steps()
        if math.isinf(self.num_steps) and any(0 < time <= 1 for time in (self.begin, self.end)):
            problem = "The weights of the loss change at fractions of the training, whose length is not known"
            raise SettingError(Trainer, "max_epochs", -1, "a number of epochs, or times in steps", problem)
        begin, end = self._steps
        self._require_order(begin, end)
        if end > self.num_steps:
            problem = f"The weights of the loss change until step {self.end:g}, and the training has {self.num_steps:g}"
            raise SettingError(self, "end", self.end, "a step of the training", problem)

    @override
    def weights_at(self, step: int) -> Weights:
        begin, end = self._steps
        if step >= end:
            return Weights(self.energy, self.forces)
        done = max(0.0, (step - begin) / (end - begin)) if end > begin else 0.0
        return Weights(
            self.first_energy + done * (self.energy - self.first_energy),
            self.first_forces + done * (self.forces - self.first_forces),
        )

    @property
    def _steps(self) -> tuple[float, float]:
        """Return the steps at which the weights begin and end to change."""
        assert self.num_steps is not None, "a loss is planned before the first step"
        begin, end = (time * self.num_steps if 0 < time <= 1 else time for time in (self.begin, self.end))
        return begin, end

    def _require_order(self, begin: float, end: float) -> None:
        if begin > end:
            problem = f"The weights of the loss begin to change at {self.begin:g} and end at {self.end:g}"
            raise SettingError(self, "end", self.end, "a time that is not before begin", problem)
