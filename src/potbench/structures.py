"""What flows through potbench: every shape, dtype and unit is stated here, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from ase.data import chemical_symbols

if TYPE_CHECKING:
    import torch

FloatArray = npt.NDArray[np.floating]
IntArray = npt.NDArray[np.integer]

SYMBOLS: list[str] = chemical_symbols
"""Chemical symbols; the index of each is its atomic number."""


class Frames(NamedTuple):
    """Conformers of one molecule, as a dataset reads them: the atoms are the same, in the same order, in each.

    Attributes:
        molecule: name of the molecule, unique within a dataset; splits by molecule go by it.
        atomic_numbers: shape (atoms,), integer.
        positions: shape (frames, atoms, 3), in Å, floating dtype of the file.
        energy: shape (frames,), total energy in eV, float64.
        forces: shape (frames, atoms, 3), in eV/Å, or None where the dataset has none.
        smiles: SMILES of the molecule, or None where the dataset does not say.
        time: shape (frames,), integer, place of each frame in its trajectory, or None where there is none.
    """

    molecule: str
    atomic_numbers: IntArray
    positions: FloatArray
    energy: FloatArray
    forces: FloatArray | None = None
    smiles: str | None = None
    time: IntArray | None = None


class Part(NamedTuple):
    """Derivatives of some features of molecules with respect to some coordinates.

    Attributes:
        values: ∂G/∂x, shape (frames, coordinates, features), in Å⁻¹.
        coordinates: shape (coordinates,), int64, which of the atoms · 3 of a molecule.
    """

    values: torch.Tensor
    coordinates: torch.Tensor


class Derivatives(NamedTuple):
    """Derivatives of the features of frames that have the same number of atoms; what is in no part is zero.

    Attributes:
        own: of the features of an atom by its own position, shape (frames, atoms, 3, features), in Å⁻¹.
        parts: by the positions of other atoms.
        features: shape (features of all parts,), int64, which of the atoms · features of a molecule, part by part.
    """

    own: torch.Tensor
    parts: tuple[Part, ...]
    features: torch.Tensor

    @property
    def nbytes(self) -> int:
        """Bytes of memory they take."""
        return self.own.nbytes + sum(part.values.nbytes for part in self.parts)


class Block(NamedTuple):
    """Molecules of a batch that have the same number of atoms, and where their derivatives are.

    Attributes:
        derivatives: of many frames, of which these are some; on the device that computes.
        rows: shape (molecules,), int64, which of those frames is which molecule.
        atoms: shape (molecules, atoms), int64, which atoms of the batch these are.
    """

    derivatives: Derivatives
    rows: torch.Tensor
    atoms: torch.Tensor


class Jacobians(NamedTuple):
    """Derivatives of the features of a batch; molecules of one size stand together, so that nothing is padded.

    Attributes:
        blocks: one for each number of atoms.
    """

    blocks: tuple[Block, ...]

    def to(self, device: torch.device) -> Jacobians:
        """The same on the device where the derivatives are; these are not moved."""
        blocks = [block._replace(rows=block.rows.to(device), atoms=block.atoms.to(device)) for block in self.blocks]
        return Jacobians(tuple(blocks))


class Batch(NamedTuple):
    """Some frames, laid end to end: the atoms of all molecules in one row, without padding.

    Attributes:
        atomic_numbers: shape (atoms,), int64.
        positions: shape (atoms, 3), in Å.
        molecule: shape (atoms,), int64: which molecule of the batch an atom belongs to, ascending.
        atoms_per_molecule: shape (molecules,), int64.
        frame: shape (molecules,), int64: index of each frame in its Store.
        energy: shape (molecules,), total energy in eV, float64; NaN where unknown (prediction).
        forces: shape (atoms, 3), in eV/Å, or None.
        atoms_per_element: atomic number → how many atoms of it. A plain dict, known without asking the device.
        largest_molecule: atoms in the largest molecule. A plain int, for the same reason.
        num_pairs: pairs of atoms within one molecule, each counted once. A plain int, for the same reason.
        features: shape (atoms, features) of a representation computed earlier for these very atoms, or None.
        jacobians: derivatives of the features with respect to the positions, or None.
    """

    atomic_numbers: torch.Tensor
    positions: torch.Tensor
    molecule: torch.Tensor
    atoms_per_molecule: torch.Tensor
    frame: torch.Tensor
    energy: torch.Tensor
    forces: torch.Tensor | None
    atoms_per_element: dict[int, int]
    largest_molecule: int
    num_pairs: int
    features: torch.Tensor | None = None
    jacobians: Jacobians | None = None

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        moved = {name: value.to(device) for name, value in self._asdict().items() if hasattr(value, "to")}
        return self._replace(**moved)

    def at(self, positions: torch.Tensor) -> Batch:
        """The same molecules in other places, shape (atoms, 3), in Å; what was kept for the old places is dropped."""
        return self._replace(positions=positions, features=None, jacobians=None)


class Prediction(NamedTuple):
    """What a potential says of a batch.

    Attributes:
        energy: shape (molecules,), total energy in eV, float64.
        forces: shape (atoms, 3), in eV/Å, −∂E/∂x; None where not asked for.
        atomic_energies: shape (atoms,), in eV, offset not included; None where a potential has no such parts.
    """

    energy: torch.Tensor
    forces: torch.Tensor | None = None
    atomic_energies: torch.Tensor | None = None


class Statistics(NamedTuple):
    """What the training part says before any network is trained.

    Attributes:
        reference_energies: atomic number → energy of that element in eV: given, or by least squares.
        energy_spread: standard deviation of the energies after the offset is removed, in eV, per molecule.
        forces_rms: root mean square of the force components in eV/Å, or None without forces.
        num_frames: frames of the training part.
    """

    reference_energies: dict[int, float]
    energy_spread: float
    forces_rms: float | None
    num_frames: int
