"""Potentials of water whose motion is known, each with one fault."""

from __future__ import annotations

import numpy as np
import torch
from ase import Atoms
from torch import Tensor
from typing_extensions import override

from potbench.batch import Batch, Prediction
from potbench.examination.protocol import Mode, Subject
from potbench.geometry.pairs import pairs_in_molecules
from potbench.potentials.potential import Potential
from potbench.structures import Frames
from tests.inference.toy import Springs

SHORT = Mode("short", 1, 2, 0.2, 4, 0.3, 12, 1)
WATER = Atoms("OH2", [[0, 0, 0], [0.99, 0, 0], [0.5, 0.87, 0]])


class WithKink(Springs):
    """A force that jumps where two atoms are 1 Å apart: that of a cutoff without an envelope."""

    cutoff = 1.0

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        first, second = pairs_in_molecules(batch)
        distances = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        within = (self.cutoff - distances).clamp(min=0)
        nothing = torch.zeros_like(batch.positions[:, 0])
        kinked = nothing.index_add(0, first, within).index_add(0, second, within)
        return super().atomic_energies(batch, element) + 0.1 * kinked


class Pushed(Springs):
    """Forces that are no gradient: they turn the molecule around the z axis."""

    @override
    def energies_and_gradient(self, batch: Batch) -> tuple[Prediction, Tensor]:
        prediction, gradient = super().energies_and_gradient(batch)
        x, y, _ = batch.positions.T
        return prediction, gradient + 0.003 * torch.stack([-y, x, torch.zeros_like(x)], dim=1)


class Loose(Springs):
    """Springs that 500 K stretch by a few tenths of an Å, and some by more than half an Å."""

    stiffness = 0.25


class Collapsing(Springs):
    """Atoms that attract each other the more the closer they are, until there is no number."""

    @override
    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        first, second = pairs_in_molecules(batch)
        distances = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        nothing = torch.zeros_like(batch.positions[:, 0])
        energies = torch.where(distances > 0.4, -1 / distances.pow(6), torch.nan)
        return nothing.index_add(0, first, energies)


def subject(potential: Potential | type[Potential] = Springs, **settings: object) -> Subject:
    """Water, with a single frame unless others are given."""
    made = potential(["H", "O"]) if isinstance(potential, type) else potential
    positions = settings.pop("positions", WATER.positions[None])
    frames = Frames("water", WATER.numbers, np.asarray(positions), np.zeros(len(positions)))  # type: ignore[arg-type]
    return Subject("water", made.double().eval(), frames, **settings)  # type: ignore[arg-type]
