"""Potentials whose bonds, vibrations and barriers are known."""

from __future__ import annotations

import numpy as np
import torch
from ase import Atoms
from torch import Tensor

from potbench.batch import Batch, Prediction
from potbench.errors import UnknownMoleculeError
from potbench.examination.protocol import Subject
from potbench.geometry.pairs import pairs_in_molecules
from potbench.potentials.potential import Potential
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.structures import Frames


def subject(potential: Potential, *atoms: Atoms, theory: str = "") -> Subject:
    positions = np.stack([each.positions for each in atoms])
    frames = Frames("toy", atoms[0].numbers, positions, np.arange(len(atoms), dtype=float))
    return Subject("toy", potential.double().eval(), frames, theory=theory)


class PairPotential(SumOverAtoms):
    """A sum over pairs of atoms of a function of their distance, half to either atom."""

    def of(self, distances: Tensor) -> Tensor:
        """Return energies in eV of distances in Å."""
        raise NotImplementedError

    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        first, second = pairs_in_molecules(batch)
        halves = self.of((batch.positions[first] - batch.positions[second]).norm(dim=1)) / 2
        nothing = torch.zeros_like(batch.positions[:, 0])
        return nothing.index_add(0, first, halves).index_add(0, second, halves)


class Morse(PairPotential):
    """D (1 − exp(−a (r − r₀)))² − D, smoothly 0 at the cutoff."""

    depth, range, length, cutoff = 4.5, 1.9, 0.74, 6.0

    def of(self, distances: Tensor) -> Tensor:
        curve = self.depth * ((1 - torch.exp(-self.range * (distances - self.length))).square() - 1)
        return torch.where(distances < self.cutoff, curve * (1 - (distances / self.cutoff) ** 4).clamp(min=0) ** 2, 0.0)


class Kinked(Morse):
    """Its force jumps by 0.05 eV/Å at 1 Å."""

    kink, jump = 1.0, 0.05

    def of(self, distances: Tensor) -> Tensor:
        beyond = (distances - self.kink).clamp(min=0)
        return super().of(distances) + self.jump * beyond * torch.exp(-((beyond / 0.5) ** 2))


class KinkedBesideAWall(Kinked):
    """The same jump, in the shade of a steep wall at short distances."""

    def of(self, distances: Tensor) -> Tensor:
        return super().of(distances) + 1e-4 * distances**-12


class Stepped(Morse):
    """Its energy steps by 50 meV at 1 Å, which its forces do not know of."""

    def of(self, distances: Tensor) -> Tensor:
        return super().of(distances) + 0.05 * (distances < 1.0)


class Steep(Morse):
    """A wall whose energy bends so much that its slope over 10⁻⁴ Å is not that at a point."""

    def of(self, distances: Tensor) -> Tensor:
        return super().of(distances) + 2 * torch.exp((0.52 - distances) / 0.002)


class Bottomless(Morse):
    """It falls again below 0.6 Å: there is no repulsion."""

    def of(self, distances: Tensor) -> Tensor:
        return super().of(distances) - 2500 * (0.6 - distances).clamp(min=0) ** 3


class Flat(Morse):
    """It has no forces at all, as a composition."""

    def of(self, distances: Tensor) -> Tensor:
        return 0 * distances


class SecondMinimum(Morse):
    """A dent of 1 eV at 0.88 Å."""

    def of(self, distances: Tensor) -> Tensor:
        return super().of(distances) - torch.exp(-(((distances - 0.88) / 0.03) ** 2))


class CutOff(Morse):
    """It ends at 2 Å with a step."""

    cutoff = 2.0

    def of(self, distances: Tensor) -> Tensor:
        curve = self.depth * ((1 - torch.exp(-self.range * (distances - self.length))).square() - 1)
        return torch.where(distances < self.cutoff, curve, 0.0)


class Unconservative(Morse):
    """Its forces along x are 1 % too large."""

    def forward(self, batch: Batch, forces: bool = False) -> Prediction:
        found = super().forward(batch, forces)
        return found if found.forces is None else found._replace(forces=1.01 * found.forces)


class Ethane(Potential):
    """Springs between bonded atoms and across angles, and a threefold barrier around the bond of two carbons.

    E = Σ ½ k (r − r₀)² + ½ V (1 + cos 3φ),   φ: dihedral angle of atoms 2, 0, 1, 5 of ASE's ethane
    """

    barrier, stiffness = 0.125, 30.0
    cutoff = None

    def __init__(self, start: Atoms) -> None:
        super().__init__(["H", "C"])
        first, second = np.triu_indices(len(start), 1)
        # all but those between hydrogens of different sides, which change as one rotates
        far = np.array([start.get_distance(i, j) > 2.3 for i, j in zip(first, second, strict=True)])
        self.pairs = torch.tensor(np.stack([first, second])[:, ~far])
        self.register_buffer("lengths", torch.tensor(start.get_all_distances()[first, second][~far]))
        self.num_atoms = len(start)

    def refuse_unknown(self, batch: Batch) -> None:
        if batch.largest_molecule != self.num_atoms:
            raise UnknownMoleculeError("It knows ethane alone.")

    def energies(self, batch: Batch) -> Prediction:
        x = batch.positions.view(-1, self.num_atoms, 3)
        distances = (x[:, self.pairs[0]] - x[:, self.pairs[1]]).norm(dim=2)
        springs = self.stiffness / 2 * (distances - self.get_buffer("lengths")).square().sum(dim=1)
        axis = torch.nn.functional.normalize(x[:, 1] - x[:, 0], dim=1)
        one, other = torch.linalg.cross(axis, x[:, 2] - x[:, 0]), torch.linalg.cross(axis, x[:, 5] - x[:, 1])
        cosine = torch.nn.functional.cosine_similarity(one, other)
        threefold = 4 * cosine**3 - 3 * cosine  # cos 3φ
        return Prediction((springs + self.barrier / 2 * (1 + threefold)).double())


class Pointed(PairPotential):
    """A spring of 30 eV/Å² whose minimum is a point: forces beside it are 0.02 eV/Å."""

    def of(self, distances: Tensor) -> Tensor:
        return 15 * (distances - 0.74).square() + 0.02 * (distances - 0.74).abs()
