"""Files of a trajectory, which can be cut back to an earlier moment and continued."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any, Literal

import numpy as np
from ase import Atoms, units
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_masses
from ase.io import Trajectory
from ase.io.extxyz import write_xyz

from potbench.errors import RunError
from potbench.inference.dynamics import Dynamics
from potbench.units import DALTON
from potbench.whole_file import whole_file

Format = Literal["traj", "xyz"]


def image(dynamics: Dynamics, replica: int) -> Atoms:
    """Return a replica as it is now as ASE has it, with its masses, momenta, energy, forces and time in fs.

    Args:
        dynamics: all replicas.
        replica: which one.
    """
    positions, momenta, forces, energy, _ = dynamics.state
    numbers, masses = dynamics.atomic_numbers, dynamics.masses.squeeze(1).cpu().numpy() / DALTON
    shown = Atoms(numbers, positions[replica].cpu().numpy(), info={"time_fs": 1000 * dynamics.time})
    if not np.allclose(masses, atomic_masses[numbers], rtol=1e-12, atol=0):  # others than those of the elements
        shown.set_masses(masses)
    # ASE counts time in Å √(dalton/eV)
    shown.set_momenta(momenta[replica].cpu().numpy() / (DALTON * units.fs))
    shown.calc = SinglePointCalculator(shown, energy=float(energy[replica]), forces=forces[replica].cpu().numpy())
    return shown


def cut_lines(path: Path, lines: int) -> None:
    """Keep the first lines of a text file alone.

    Raises:
        ValueError: it has fewer.
    """
    with path.open("rb+") as file:
        kept = list(map(len, islice(file, lines)))
        if len(kept) < lines:
            raise ValueError(f"it has {len(kept)} lines")
        file.truncate(sum(kept))


class TrajectoryFile:
    """A trajectory of one replica, as ASE's .traj or extended XYZ.

    Args:
        path: ends in .traj or .xyz.
        frames: how many frames of the file are kept; 0 starts it anew.
        num_atoms: of each frame.

    Raises:
        RunError: it has fewer frames, or they are damaged.
    """

    def __init__(self, path: Path, frames: int, num_atoms: int) -> None:
        self.path = path
        self._is_xyz = path.suffix == ".xyz"
        try:
            self._cut(frames, num_atoms)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RunError(
                f"{path} is damaged, or has fewer than the {frames} frames that its dynamics wrote ({error}). Expected "
                "the file as it was left. Delete its folder and start again."
            ) from error
        self._file: Any = path.open("a", encoding="utf-8") if self._is_xyz else Trajectory(str(path), "a")

    def append(self, atoms: Atoms) -> None:
        """Write a frame; see `image`."""
        if self._is_xyz:
            write_xyz(self._file, [atoms])
            self._file.flush()
        else:
            self._file.write(atoms)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _cut(self, frames: int, num_atoms: int) -> None:
        """Keep the first frames alone: what was written after the last state that was saved is written again."""
        if not frames:
            self.path.unlink(missing_ok=True)
        elif self._is_xyz:
            cut_lines(self.path, frames * (num_atoms + 2))
        else:
            with Trajectory(str(self.path)) as before:
                if len(before) == frames:
                    return
                if len(before) < frames:
                    raise ValueError(f"it has {len(before)} frames")
                with whole_file(self.path) as partial, Trajectory(str(partial), "w") as kept_frames:
                    for number in range(frames):
                        kept_frames.write(before[number])
