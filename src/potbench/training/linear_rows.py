"""Energies and forces of a batch as linear functions of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.internal_directions import internal_directions
from potbench.geometry.sums import sum_per_molecule
from potbench.representations import ACE

DENSEST = 0.12
"""Atoms in a cubic Å, which organic molecules hardly exceed."""
AT_ONCE = 2**29
"""Bytes that the equations of some molecules may take while they are computed."""


class LinearRows(NamedTuple):
    """Equations Σ_c x_c w_c = y of a batch.

    Attributes:
        energy: shape (columns, molecules), float64: sum of each feature over the atoms of one element.
        slopes: shape (columns, molecules, directions), their derivatives along `directions`; None without forces.
        directions: shape (atoms, 3, directions), internal directions; None without forces.
    """

    energy: Tensor
    slopes: Tensor | None
    directions: Tensor | None


def linear_rows(representation: ACE, batch: Batch, element: Tensor, forces: bool) -> LinearRows:
    """Compute the equations of a batch, in double precision.

    Forces have neither net force nor torque, nor have those of any feature: equations along internal directions say
    all that those of the single components do, and are fewer.

    Args:
        representation: of the features.
        batch: the molecules.
        element: shape (atoms,), int64, index of each atom's element.
        forces: whether derivatives are needed.
    """
    num_molecules = len(batch.atoms_per_molecule)
    positions = batch.positions.detach().double()

    def nodes(positions: Tensor) -> list[Tensor]:
        return [own for _, own in representation.nodes(batch.with_positions(positions), element)]

    atoms, here = zip(*representation.nodes(batch.with_positions(positions), element), strict=True)
    belongs = [nn.functional.one_hot(batch.molecule_index[own], num_molecules) for own in atoms]
    parts = zip(representation.of_elements, here, belongs, strict=True)
    energy = torch.cat([products(own) @ of.to(own.dtype) for products, own, of in parts])
    if not forces:
        return LinearRows(energy, None, None)
    directions = internal_directions(batch)

    def along(direction: Tensor) -> list[Tensor]:
        tangents: list[Tensor] = torch.func.jvp(nodes, (positions,), (direction,))[1]
        return tangents

    tangents = torch.func.vmap(along, in_dims=2, out_dims=2)(directions)
    every = zip(representation.of_elements, here, tangents, belongs, strict=True)
    slopes = [products.slopes(own, tangent, of.sum(0)) for products, own, tangent, of in every]
    return LinearRows(energy, torch.cat(slopes), directions)


def bytes_of_molecule(representation: ACE, num_atoms: int, forces: bool) -> int:
    """Return about what the equations of a molecule take while they are computed.

    Args:
        representation: of the features.
        num_atoms: of the molecule.
        forces: whether derivatives are needed.
    """
    of_pair = representation.radial.num_functions * (max(representation.max_l) + 1) ** 2
    of_atom = max(sum(products.num_nodes) for products in representation.of_elements)
    columns = sum(map(len, representation.degrees))
    neighbors = min(num_atoms - 1, DENSEST * 4 / 3 * math.pi * representation.cutoff**3)
    # what pairs give to both of their atoms, nodes and their derivatives, rows and their copies
    values = num_atoms * neighbors * of_pair + 2 * num_atoms * of_atom + 4 * columns
    return int(8 * values * (3 * num_atoms if forces else 1))


def groups(representation: ACE, batch: Batch, forces: bool) -> Iterator[Batch]:
    """Yield the molecules of a batch, as many at once as `AT_ONCE` allows, or one."""
    size = max(1, AT_ONCE // bytes_of_molecule(representation, batch.largest_molecule, forces))
    molecules = range(len(batch.energy))
    if size >= len(molecules):
        yield batch
        return
    for start in range(0, len(molecules), size):
        yield batch.select(molecules[start : start + size])


def labels_along(forces: Tensor, directions: Tensor, batch: Batch) -> Tensor:
    """Return the components of forces, shape (atoms, 3), along directions: shape (molecules, directions)."""
    components = (forces.double().unsqueeze(2) * directions).sum(dim=1)
    return sum_per_molecule(components, batch.molecule_index, len(batch.atoms_per_molecule))
