"""One sound potential, and one that breaks each law on purpose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from potbench.batch import Batch, Prediction
from potbench.geometry.sums import sum_per_molecule
from potbench.potentials import Potential


class Sound(Potential):
    """Atoms repel and attract in pairs: E = Σ v qᵢ qⱼ (1 − r²/c²)³ cos 2wr² within a cutoff c, and obey every law."""

    cutoff = 4.0

    def __init__(self) -> None:
        super().__init__(["H", "C", "N", "O"])
        self.weight = nn.Parameter(torch.tensor([0.1, 0.5]))
        self.eval()

    def pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """First and second atom of each pair within a molecule and the cutoff: shape (pairs,)."""
        near = torch.cdist(batch.positions, batch.positions) < self.cutoff
        same = batch.molecule_index[:, None] == batch.molecule_index
        first, second = torch.nonzero(near & same & ~torch.eye(len(same), dtype=torch.bool), as_tuple=True)
        return first, second

    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        squared = (batch.positions[first] - batch.positions[second]).pow(2).sum(dim=1)
        charge = batch.atomic_numbers.to(squared.dtype).sqrt()
        smooth = (1 - squared / self.cutoff**2) ** 3
        return self.weight[0] * charge[first] * charge[second] * smooth * torch.cos(2 * self.weight[1] * squared)

    def atomic(self, batch: Batch) -> Tensor:
        """Energies of shape (atoms,)."""
        first, second = self.pairs(batch)
        zeros = self.weight[0] * 0 * batch.positions.sum(dim=1)
        return zeros.index_add(0, first, self.pair_energy(batch, first, second))

    def energies(self, batch: Batch) -> Prediction:
        energy = sum_per_molecule(self.atomic(batch).double(), batch.molecule_index, len(batch.atoms_per_molecule))
        return Prediction(energy)


def rank(batch: Batch) -> Tensor:
    """Place of each atom within its molecule: 0, 1, 2 …, shape (atoms,)."""
    first = batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule
    return torch.arange(len(batch.molecule_index)) - first[batch.molecule_index]


class DependsOnTheOrigin(Sound):
    def atomic(self, batch: Batch) -> Tensor:
        return super().atomic(batch) + 0.1 * batch.positions.norm(dim=1)


class DependsOnTheVertical(Sound):
    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        vertical = (batch.positions[first] - batch.positions[second])[:, 2]
        return super().pair_energy(batch, first, second) * (1 + vertical**2)


class Handed(Sound):
    """The first four atoms of a molecule have an energy whose sign is that of the screw they form."""

    def energies(self, batch: Batch) -> Prediction:
        energy = super().energies(batch).energy
        atoms = [batch.positions[rank(batch) == place] for place in range(4)]
        count = len(atoms[3])  # the molecules of four atoms and more stand first in the test batch
        a, b, c = (atoms[place][:count] - atoms[0][:count] for place in (1, 2, 3))
        screw = (a * torch.linalg.cross(b, c)).sum(dim=1)
        return Prediction(energy.index_add(0, batch.molecule_index[rank(batch) == 3], screw.double()))


class CountsAtoms(Sound):
    def atomic(self, batch: Batch) -> Tensor:
        return super().atomic(batch) * (1 + 0.1 * rank(batch))


class FavorsTheFirstElement(Sound):
    def energies(self, batch: Batch) -> Prediction:
        first = batch.atomic_numbers[rank(batch) == 0]
        return Prediction(super().energies(batch).energy * first)


class PushesUphill(Sound):
    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        prediction = super().forward(batch, forces)
        return prediction if prediction.forces is None else prediction._replace(forces=-prediction.forces)


class Drifts(Sound):
    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        prediction = super().forward(batch, forces)
        return prediction if prediction.forces is None else prediction._replace(forces=prediction.forces + 0.01)


class Spins(Sound):
    """Forces go around the center of the molecule: they sum to zero, but exert a torque."""

    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        prediction = super().forward(batch, forces)
        if prediction.forces is None:
            return prediction
        sums = sum_per_molecule(batch.positions, batch.molecule_index, len(batch.atoms_per_molecule))
        arms = batch.positions - (sums / batch.atoms_per_molecule[:, None])[batch.molecule_index]
        axis = torch.tensor([0.0, 0.1, 0.0]).expand_as(arms)
        return prediction._replace(forces=prediction.forces + torch.linalg.cross(axis, arms))


class _FlatSquare(torch.autograd.Function):
    """x², with the right slope, which is then taken for a constant."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return 2 * ctx.saved_tensors[0].detach() * slope


class ForgetsCurvature(Sound):
    def atomic(self, batch: Batch) -> Tensor:
        return _FlatSquare.apply(super().atomic(batch))


class CutsTheGraph(Sound):
    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        prediction = super().forward(batch, forces)
        return prediction if prediction.forces is None else prediction._replace(forces=prediction.forces.detach())


class NormalizesTheBatch(Sound):
    def atomic(self, batch: Batch) -> Tensor:
        atomic = super().atomic(batch)
        return atomic - 0.1 * atomic.mean()


class CountsMolecules(Sound):
    def energies(self, batch: Batch) -> Prediction:
        return Prediction(super().energies(batch).energy * (1 + 0.1 * torch.arange(len(batch.atoms_per_molecule))))


class DividesByNeighbors(Sound):
    """An atom without neighbors divides zero by zero."""

    def atomic(self, batch: Batch) -> Tensor:
        first, _ = self.pairs(batch)
        return super().atomic(batch) / torch.bincount(first, minlength=len(batch.molecule_index))


class PushesSingleAtoms(Sound):
    def atomic(self, batch: Batch) -> Tensor:
        return super().atomic(batch) + batch.positions[:, 0]


class CutsHard(Sound):
    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        return 1 / (batch.positions[first] - batch.positions[second]).norm(dim=1)


class CutsForcesHard(Sound):
    """Its energy reaches zero at the cutoff, its force does not."""

    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        return self.cutoff - (batch.positions[first] - batch.positions[second]).norm(dim=1)


class StepsInside(Sound):
    """A second, harder cutoff within the first, at 2.5 Å, of 5 meV."""

    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        distance = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        return super().pair_energy(batch, first, second) + 0.0025 * (distance < 2.5)


class StepsBesideAWall(StepsInside):
    """The same step, in the shade of a steep wall at short distances."""

    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        distance = (batch.positions[first] - batch.positions[second]).norm(dim=1)
        return super().pair_energy(batch, first, second) + distance**-12


class HasNoCutoff(Sound):
    def pairs(self, batch: Batch) -> tuple[Tensor, Tensor]:
        same = batch.molecule_index[:, None] == batch.molecule_index
        first, second = torch.nonzero(same & ~torch.eye(len(same), dtype=torch.bool), as_tuple=True)
        return first, second

    def pair_energy(self, batch: Batch, first: Tensor, second: Tensor) -> Tensor:
        return 1 / (batch.positions[first] - batch.positions[second]).norm(dim=1)


class RoundsTotals(Sound):
    """Adds reference energies before it returns to double precision."""

    def atomic(self, batch: Batch) -> Tensor:
        return super().atomic(batch) - 1e4 * batch.atomic_numbers
