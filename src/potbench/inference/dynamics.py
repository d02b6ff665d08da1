"""Molecular dynamics: replicas of a molecule that move together."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from ase.data import atomic_masses
from torch import Tensor

from potbench.batch import Batch
from potbench.errors import SettingError, require_not_negative, require_positive
from potbench.potentials.potential import Potential
from potbench.structures import FloatArray, Frames, IntArray
from potbench.units import BOLTZMANN, DALTON


class State(NamedTuple):
    """Replicas at one moment, in float64.

    Attributes:
        positions: shape (replicas, atoms, 3), in Å.
        momenta: shape (replicas, atoms, 3), in eV fs/Å.
        forces: shape (replicas, atoms, 3), in eV/Å.
        energy: shape (replicas,), potential energy in eV.
        heat: shape (replicas,), in eV, which the thermostat has brought since the start.
    """

    positions: Tensor
    momenta: Tensor
    forces: Tensor
    energy: Tensor
    heat: Tensor


class Dynamics:
    """Replicas of a molecule that move by velocity Verlet, or with friction by Langevin dynamics (BAOAB).

    p ← p + ½ Δt F,   x ← x + ½ Δt p/m,   p ← c p + √((1 − c²) m k T) ξ,   x ← x + ½ Δt p/m,   p ← p + ½ Δt F(x)
    c = exp(−γ Δt),   ξ normal; without friction, c = 1

    They move as one batch, and do not know of each other. Replica k draws its random numbers from the seed plus k, on
    the CPU: it moves as it would alone with that seed. Without friction, replicas neither drift nor rotate.

    Source: Leimkuhler, Matthews, Appl. Math. Res. eXpress 2013, 34, doi:10.1093/amrx/abs010.

    Args:
        potential: in evaluation mode; it computes where it is, in its own precision.
        atomic_numbers: shape (atoms,).
        positions: where all replicas start, shape (atoms, 3), in Å; with friction, they may start at places of their
            own, shape (replicas, atoms, 3).
        replicas: how many there are.
        temperature: T in K, of the thermostat and of the momenta drawn at the start.
        step: Δt in fs.
        friction: γ in 1/ps; None for constant energy.
        seed: of the random numbers.
        masses: shape (atoms,), in Da; None for those of the elements.
    """

    def __init__(
        self,
        potential: Potential,
        atomic_numbers: IntArray,
        positions: FloatArray,
        replicas: int = 1,
        temperature: float = 300.0,
        step: float = 0.5,
        friction: float | None = None,
        seed: int = 0,
        masses: FloatArray | None = None,
    ) -> None:
        require_positive(self, replicas=replicas, step=step, friction=friction)
        require_not_negative(self, seed=seed)
        if not 0 <= temperature < math.inf:
            raise SettingError(self, "temperature", temperature, "0 K or more")
        if friction is None and np.ndim(positions) > 2:
            problem = "The replicas start at places of their own, and nothing takes their rotation away"
            raise SettingError(self, "friction", friction, "more than 0", problem)
        self.potential = potential
        self.atomic_numbers = np.asarray(atomic_numbers)
        self.temperature = temperature
        self.step = step
        self.friction = friction
        self.steps_done = 0
        self._random = [torch.Generator().manual_seed(seed + replica) for replica in range(replicas)]
        device = potential.device
        started = np.empty((replicas, len(self.atomic_numbers), 3))
        started[:] = positions
        frames = Frames("", self.atomic_numbers, started, np.full(replicas, np.nan))
        batch = Batch.from_frames(frames).to(device)
        self._batch = batch.with_positions(potential.positions(batch.positions))
        in_dalton = atomic_masses[self.atomic_numbers] if masses is None else masses
        if not (np.isfinite(in_dalton).all() and (np.asarray(in_dalton) > 0).all()):
            raise SettingError(self, "masses", np.asarray(in_dalton).tolist(), "more than 0 Da, of each atom")
        dalton = torch.as_tensor(in_dalton, dtype=torch.float64, device=device)
        self.masses = DALTON * dalton.unsqueeze(1)
        """Shape (atoms, 1), in eV fs²/Å²."""
        self._spread = (self.masses * BOLTZMANN * temperature).sqrt()
        places = torch.as_tensor(started, device=device)
        momenta = self._spread * self._normal()
        self.degrees_of_freedom = 3 * len(self.atomic_numbers)
        if friction is None:
            momenta, rigid = _without_rigid_motion(places, momenta, self.masses)
            self.degrees_of_freedom -= rigid
        self.forces_spread: Tensor | None = None
        """Shape (replicas, atoms, 3), in eV/Å, over the members of an ensemble; None of a single potential."""
        energy, forces = self._forces(places)
        self.state = State(places, momenta, forces, energy, torch.zeros_like(energy))

    @property
    def time(self) -> float:
        """Return the time since the start in ps."""
        return self.steps_done * self.step / 1000

    @property
    def kinetic_energy(self) -> Tensor:
        """Return the kinetic energy of each replica: shape (replicas,), in eV."""
        return self._kinetic(self.state.momenta)

    @property
    def current_temperature(self) -> Tensor:
        """Return the temperature of each replica by its kinetic energy: shape (replicas,), in K; 0 of a lone atom."""
        return 2 * self.kinetic_energy / (max(self.degrees_of_freedom, 1) * BOLTZMANN)

    @property
    def conserved(self) -> Tensor:
        """Return the energy that would stay the same in infinitely short steps: shape (replicas,), in eV.

        It is the total energy, less the heat that the thermostat has brought.
        """
        return self.state.energy + self.kinetic_energy - self.state.heat

    def advance(self, steps: int = 1) -> None:
        """Move all replicas by some steps."""
        for _ in range(steps):
            positions, momenta, forces, _, heat = self.state
            momenta = momenta + self.step / 2 * forces
            if self.friction is None:
                positions = positions + self.step * (momenta / self.masses)
            else:
                kept = math.exp(-self.friction / 1000 * self.step)
                positions = positions + self.step / 2 * (momenta / self.masses)
                before = self._kinetic(momenta)
                momenta = kept * momenta + math.sqrt(1 - kept**2) * self._spread * self._normal()
                heat = heat + self._kinetic(momenta) - before
                positions = positions + self.step / 2 * (momenta / self.masses)
            energy, forces = self._forces(positions)
            self.state = State(positions, momenta + self.step / 2 * forces, forces, energy, heat)
            self.steps_done += 1

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that `restore` needs to go on to the same numbers."""
        arrays = {name: value.cpu().numpy() for name, value in self.state._asdict().items()}
        random = torch.stack([generator.get_state() for generator in self._random]).numpy()
        return {**arrays, "random": random, "steps_done": np.array(self.steps_done)}

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Continue where `arrays` were taken, from dynamics of the same molecule and settings."""
        device = self.state.energy.device
        self.state = State(*(torch.from_numpy(arrays[name]).to(device) for name in State._fields))
        for generator, state in zip(self._random, arrays["random"], strict=True):
            generator.set_state(torch.from_numpy(state))
        self.steps_done = int(arrays["steps_done"])
        if self.forces_spread is not None:
            self._forces(self.state.positions)  # it is not saved

    def _forces(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        there = positions.reshape(-1, 3).to(self._batch.positions)
        found = self.potential(self._batch.with_positions(there), forces=True)
        assert found.forces is not None
        if found.forces_spread is not None:
            self.forces_spread = found.forces_spread.detach().double().view(positions.shape)
        return found.energy.detach(), found.forces.detach().double().view(positions.shape)

    def _kinetic(self, momenta: Tensor) -> Tensor:
        return (momenta.square() / self.masses).sum(dim=(1, 2)) / 2

    def _normal(self) -> Tensor:
        shape = (len(self.atomic_numbers), 3)
        drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for generator in self._random]
        return torch.stack(drawn).to(self.masses.device)


def _without_rigid_motion(positions: Tensor, momenta: Tensor, masses: Tensor) -> tuple[Tensor, int]:
    """Return momenta of replicas that start at the same positions without drift and rotation.

    Returns:
        Shape (replicas, atoms, 3), and how many degrees of freedom that takes: 3 of an atom, 5 of a linear molecule, 6.
    """
    momenta = momenta - masses / masses.sum() * momenta.sum(dim=1, keepdim=True)
    arms = positions[0] - (masses * positions[0]).sum(dim=0) / masses.sum()
    squares = arms.square().sum(dim=1)
    unit = torch.eye(3, dtype=arms.dtype, device=arms.device)
    inertia = (masses.squeeze(1) * squares).sum() * unit - (masses * arms).T @ arms
    turning = torch.linalg.cross(arms.expand_as(momenta), momenta).sum(dim=1)
    # of a linear molecule, the moment around its axis is a rounding error
    angular_velocity = turning @ torch.linalg.pinv(inertia, rtol=1e-6, hermitian=True)
    momenta = momenta - masses * torch.linalg.cross(
        angular_velocity.unsqueeze(1).expand_as(momenta), arms.expand_as(momenta)
    )
    return momenta, 3 + int(torch.linalg.matrix_rank(inertia, rtol=1e-6, hermitian=True))
