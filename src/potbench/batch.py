"""What flows through a potential: every shape, dtype and unit is stated here, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import torch

from potbench.structures import BoolArray, FloatArray, Frames, IntArray


def copy_to(values: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Copy values to another device, to a GPU through memory from which it copies while the host goes on."""
    if device.type != "cuda" or not values.is_cpu:
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


class CachedFeatures(Protocol):
    """Features of the atoms of a batch that were computed before the batch was made.

    Attributes:
        features: shape (atoms, features).
        position_gradient: ∂E/∂G of shape (atoms, features), in eV → ∂E/∂x of shape (atoms, 3), in eV/Å; None where
            derivatives of the features were not computed.
    """

    @property
    def features(self) -> torch.Tensor:
        """Return the features."""

    @property
    def position_gradient(self) -> Callable[[torch.Tensor], torch.Tensor] | None:
        """Return the chain rule, ∂E/∂G → ∂E/∂x."""

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Self:
        """Return the same with each tensor changed that belongs to these atoms alone."""


class Batch(NamedTuple):
    """Some frames, concatenated: the atoms of all molecules in one row, without padding.

    Attributes:
        atomic_numbers: shape (atoms,), int64.
        positions: shape (atoms, 3), in Å.
        molecule_index: shape (atoms,), int64: which molecule of the batch an atom belongs to, ascending.
        atoms_per_molecule: shape (molecules,), int64.
        frame: shape (molecules,), int64: index of each frame in its Store.
        energy: shape (molecules,), total energy in eV, float64; NaN where unknown (prediction).
        forces: shape (atoms, 3), in eV/Å, or None.
        atoms_per_element: atomic number → how many atoms of it. A plain dict: no synchronization.
        largest_molecule: atoms in the largest molecule. A plain int, for the same reason.
        num_pairs: pairs of atoms within one molecule, each counted once. A plain int, for the same reason.
        cached: features of a representation computed earlier for these very atoms, or None.
        weight: shape (molecules,), float64, how much each molecule counts in the loss; None where all count the same.
        energy_known: shape (molecules,), bool, which energies are labels; None where all are. The others are 0.
        forces_known: shape (molecules,), bool, which molecules have forces as labels; None where all have.
        memory: what was found once for these molecules, by name, wherever their atoms are; None where every call finds
            it anew.
        keeps_shapes: whether all pairs of atoms stay, however far apart, so that no shape follows from positions.
    """

    atomic_numbers: torch.Tensor
    positions: torch.Tensor
    molecule_index: torch.Tensor
    atoms_per_molecule: torch.Tensor
    frame: torch.Tensor
    energy: torch.Tensor
    forces: torch.Tensor | None
    atoms_per_element: dict[int, int]
    largest_molecule: int
    num_pairs: int
    cached: CachedFeatures | None = None
    weight: torch.Tensor | None = None
    energy_known: torch.Tensor | None = None
    forces_known: torch.Tensor | None = None
    memory: dict[str, Any] | None = None
    keeps_shapes: bool = False

    @classmethod
    def from_arrays(
        cls,
        atomic_numbers: IntArray,
        positions: FloatArray,
        atoms_per_molecule: IntArray,
        energy: FloatArray,
        forces: FloatArray | None = None,
        frame: IntArray | None = None,
    ) -> Self:
        """Return a batch of arrays, molecules concatenated, in torch's default dtype (energies float64).

        Args:
            atomic_numbers: shape (atoms,).
            positions: shape (atoms, 3), in Å.
            atoms_per_molecule: shape (molecules,).
            energy: shape (molecules,), in eV.
            forces: shape (atoms, 3), in eV/Å.
            frame: shape (molecules,), index of each frame in its store; by default 0, 1, 2 …
        """
        dtype = torch.get_default_dtype()
        num_molecules = len(atoms_per_molecule)
        elements, occurrences = np.unique(atomic_numbers, return_counts=True)
        return cls(
            atomic_numbers=torch.from_numpy(atomic_numbers.astype(np.int64)),
            positions=torch.from_numpy(positions).to(dtype),
            molecule_index=torch.from_numpy(np.repeat(np.arange(num_molecules), atoms_per_molecule)),
            atoms_per_molecule=torch.from_numpy(atoms_per_molecule.astype(np.int64)),
            frame=torch.from_numpy((np.arange(num_molecules) if frame is None else frame).astype(np.int64)),
            energy=torch.from_numpy(energy.astype(np.float64)),
            forces=None if forces is None else torch.from_numpy(forces).to(dtype),
            atoms_per_element=dict(zip(elements.tolist(), occurrences.tolist(), strict=True)),
            largest_molecule=int(atoms_per_molecule.max()),
            num_pairs=int((atoms_per_molecule.astype(np.int64) * (atoms_per_molecule - 1)).sum()) // 2,
        )

    @classmethod
    def from_frames(cls, *chunks: Frames) -> Self:
        """Concatenate chunks of conformers; the batch has forces only if every chunk has them."""
        forces = [chunk.forces.reshape(-1, 3) for chunk in chunks if chunk.forces is not None]
        batch = cls.from_arrays(
            np.concatenate([np.tile(chunk.atomic_numbers, len(chunk.energy)) for chunk in chunks]),
            np.concatenate([chunk.positions.reshape(-1, 3) for chunk in chunks]),
            np.concatenate([np.full(len(chunk.energy), len(chunk.atomic_numbers)) for chunk in chunks]),
            np.concatenate([chunk.energy for chunk in chunks]),
            np.concatenate(forces) if len(forces) == len(chunks) else None,
        )
        return batch._replace(
            energy_known=_known([(chunk.energy_known, len(chunk.energy)) for chunk in chunks]),
            forces_known=_known([(chunk.forces_known, len(chunk.energy)) for chunk in chunks]),
        )

    def select(self, molecules: Sequence[int]) -> Self:
        """Return some molecules, in the order given, as a batch of their own; synchronizes with the device."""
        starts = (self.atoms_per_molecule.cumsum(0) - self.atoms_per_molecule).tolist()
        counts = self.atoms_per_molecule.tolist()
        atoms = torch.cat([torch.arange(starts[i], starts[i] + counts[i]) for i in molecules])
        numbers = self.atomic_numbers.cpu()[atoms]
        chosen = torch.tensor(counts)[list(molecules)]
        elements, occurrences = torch.unique(numbers, return_counts=True)
        device = self.positions.device
        return type(self)(
            atomic_numbers=numbers.to(device),
            positions=self.positions[atoms],
            molecule_index=torch.repeat_interleave(torch.arange(len(molecules)), chosen).to(device),
            atoms_per_molecule=chosen.to(device),
            frame=self.frame[list(molecules)],
            energy=self.energy[list(molecules)],
            forces=None if self.forces is None else self.forces[atoms],
            atoms_per_element=dict(zip(elements.tolist(), occurrences.tolist(), strict=True)),
            largest_molecule=int(chosen.max()),
            num_pairs=int((chosen * (chosen - 1)).sum()) // 2,
            weight=None if self.weight is None else self.weight[list(molecules)],
            energy_known=None if self.energy_known is None else self.energy_known[list(molecules)],
            forces_known=None if self.forces_known is None else self.forces_known[list(molecules)],
        )

    def to(self, device: torch.device) -> Self:
        """Return the same batch on another device; the host does not wait for a GPU."""
        return self.map(lambda values: copy_to(values, device))

    def map(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Self:
        """Return the same batch with each of its tensors changed, those of cached features too, in a fixed order."""
        changed: dict[str, Any] = {
            name: change(value) for name, value in self._asdict().items() if torch.is_tensor(value)
        }
        memory: dict[str, Any] | None = None if self.memory is None else {}
        return self._replace(**changed, cached=self.cached and self.cached.map(change), memory=memory)

    def with_positions(self, positions: torch.Tensor) -> Self:
        """Return the same molecules at other positions, shape (atoms, 3), in Å; cached features are dropped."""
        return self._replace(positions=positions, cached=None)

    def once(self, name: str, find: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return what does not depend on positions: from the memory, where there is one and it is known.

        Args:
            name: of what is found, and of all that it depends on beside the molecules.
            find: finds it.
        """
        if self.memory is None:
            return find()
        if name not in self.memory:
            self.memory[name] = find()
        found: torch.Tensor = self.memory[name]
        return found


def _known(masks: Sequence[tuple[BoolArray | None, int]]) -> torch.Tensor | None:
    """Return masks of labels, concatenated; None where all are known."""
    if all(mask is None for mask, _ in masks):
        return None
    return torch.from_numpy(np.concatenate([np.ones(n, dtype=bool) if mask is None else mask for mask, n in masks]))


class Prediction(NamedTuple):
    """What a potential says of a batch.

    Attributes:
        energy: shape (molecules,), total energy in eV, float64.
        forces: shape (atoms, 3), in eV/Å, −∂E/∂x; None where not asked for.
        atomic_energies: shape (atoms,), in eV, offset not included; None where a potential has no such parts.
        energy_spread: shape (molecules,), in eV, float64: standard deviation over the members of an ensemble; None of a
            single potential.
        forces_spread: shape (atoms, 3), in eV/Å, that of each force component; None where there are no forces.
    """

    energy: torch.Tensor
    forces: torch.Tensor | None = None
    atomic_energies: torch.Tensor | None = None
    energy_spread: torch.Tensor | None = None
    forces_spread: torch.Tensor | None = None


class Statistics(NamedTuple):
    """What is known of the training set before any network is trained.

    Attributes:
        reference_energies: atomic number → energy of that element in eV: given, or by least squares.
        energy_spread: standard deviation of the energies after the offset is removed, in eV, per molecule.
        forces_rms: root mean square of the force components in eV/Å, or None without forces.
        num_frames: training frames.
        shortest_distances: pair of elements, such as H-C, by atomic number → shortest distance of two such atoms of one
            molecule, in Å; None where it was not asked for.
    """

    reference_energies: dict[int, float]
    energy_spread: float
    forces_rms: float | None
    num_frames: int
    shortest_distances: dict[str, float] | None = None
