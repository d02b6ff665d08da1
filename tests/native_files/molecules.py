"""A few molecules, shaken, with energies of sensible size."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase.build import molecule

# Energies of free atoms at ωB97X/6-31G(d), as TorchANI lists them, in hartree.
FREE_ATOMS = {"H": -0.4993212, "C": -37.8338334, "N": -54.5732825, "O": -75.0424519}
MOLECULES = ("CH4", "NH3", "H2O", "CH3OH", "HCN")


class Conformers(NamedTuple):
    """Conformers of one molecule, in the units of ANI-1.

    Attributes:
        symbols: chemical symbol of each atom.
        positions: shape (frames, atoms, 3), float32, in Å.
        energy: shape (frames,), float64, in hartree.
    """

    symbols: list[str]
    positions: np.ndarray
    energy: np.ndarray


def conformers(name: str, num_frames: int = 6, seed: int = 0) -> Conformers:
    """Shake a molecule that ASE knows; pairs of atoms are held by Morse wells of 0.15 hartree."""
    atoms = molecule(name)
    noise = np.random.default_rng(seed).normal(scale=0.08, size=(num_frames, len(atoms), 3))
    positions = (atoms.positions + noise).astype(np.float32)
    first, second = np.triu_indices(len(atoms), k=1)
    equilibrium = np.linalg.norm(atoms.positions[first] - atoms.positions[second], axis=1)
    distances = np.linalg.norm(positions[:, first].astype(np.float64) - positions[:, second], axis=2)
    depth = np.where(equilibrium < 1.6, 0.15, 0.005)
    wells = depth * ((1 - np.exp(-1.5 * (distances - equilibrium))) ** 2 - 1)
    symbols = atoms.get_chemical_symbols()
    return Conformers(symbols, positions, sum(FREE_ATOMS[symbol] for symbol in symbols) + wells.sum(axis=1))
