"""Structures on which the members of an ensemble disagree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import write

from potbench.inference.dynamics import Dynamics
from potbench.structures import SYMBOLS
from potbench.whole_file import whole_file

FILE = "uncertain.xyz"


class Uncertainty:
    """Whether molecules that move have come to where the spread of a force is too large.

    The spread of the force on an atom is √(u_x² + u_y² + u_z²), the same however the molecule is rotated.

    Args:
        dynamics: what moves.
        limit: in eV/Å; None for none.
        folder: where the structures are then written.
    """

    def __init__(self, dynamics: Dynamics, limit: float | None, folder: Path) -> None:
        self.dynamics = dynamics
        self.limit = limit
        self.file = folder / FILE

    def stops(self) -> str:
        """Write the replicas with a spread above the limit, and return what was found; empty where there are none.

        The file has no labels: energy and forces are those predicted, under names that say so.
        """
        dynamics = self.dynamics
        if self.limit is None or dynamics.forces_spread is None:
            return ""
        of_atoms = np.linalg.norm(dynamics.forces_spread.cpu().numpy(), axis=2)
        found = np.flatnonzero(of_atoms.max(axis=1) > self.limit)
        if not len(found):
            return ""
        if not dynamics.steps_done:
            found = found[:1]  # all replicas start at the same positions
        with whole_file(self.file) as partial:
            write(partial, [self._structure(replica) for replica in found.tolist()], format="extxyz")
        replica = int(found[0])
        atom = int(of_atoms[replica].argmax())
        element = SYMBOLS[dynamics.atomic_numbers[atom]]
        more = f", and so did {len(found) - 1} more" if len(found) > 1 else ""
        return (
            f"It stopped after {dynamics.time:.4g} ps: the spread of the force on atom {atom} ({element}) of replica "
            f"{replica} came to {of_atoms[replica, atom]:.3g} eV/Å, above {self.limit:g}{more}. "
            f"To be labeled: {self.file}"
        )

    def _structure(self, replica: int) -> Atoms:
        dynamics, state = self.dynamics, self.dynamics.state
        assert dynamics.forces_spread is not None
        atoms = Atoms(dynamics.atomic_numbers, state.positions[replica].cpu().numpy())
        atoms.info = {"time_fs": 1000 * dynamics.time, "predicted_energy": float(state.energy[replica])}
        atoms.arrays["predicted_forces"] = state.forces[replica].cpu().numpy()
        atoms.arrays["forces_spread"] = dynamics.forces_spread[replica].cpu().numpy()
        return atoms
