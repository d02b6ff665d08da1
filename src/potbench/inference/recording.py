"""What is written while molecules move: a trajectory of each replica, and a log of energies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potbench.errors import RunError
from potbench.inference.dynamics import Dynamics
from potbench.inference.trajectory import Format, TrajectoryFile, cut_lines, image
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of

COLUMNS = ("time_fs", "replica", "potential_energy_ev", "kinetic_energy_ev", "conserved_energy_ev", "temperature_k")


class Recording:
    """Files that grow by a frame of each replica at a time.

    Args:
        folder: where they are: replica_0.traj and so on, and log.csv.
        kind: format of the trajectories.
        dynamics: what is recorded.
        trained_on: with which atoms are compared; None where it is not known.
    """

    def __init__(self, folder: Path, kind: Format, dynamics: Dynamics, trained_on: TrainedEnvironments | None) -> None:
        self.dynamics = dynamics
        self.trained_on = trained_on
        self.log = folder / "log.csv"
        self.frames = 0
        self.outside = 0
        """Frames with atoms outside of the training set, of all replicas."""
        self._paths = [folder / f"replica_{replica}.{kind}" for replica in range(len(dynamics.state.energy))]
        self._files: list[TrajectoryFile] = []

    def open(self) -> None:
        """Cut the files back to the frames that are known, and go on from there.

        Raises:
            RunError: they have fewer, or are damaged.
        """
        atoms = len(self.dynamics.atomic_numbers)
        if not self.frames:
            self.log.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
        try:
            cut_lines(self.log, 1 + self.frames * len(self._paths))
        except (OSError, ValueError) as error:
            raise RunError(
                f"{self.log} is damaged ({error}). Expected the file as the dynamics left it. Delete its folder and "
                "start again."
            ) from error
        for path in self._paths:
            self._files.append(TrajectoryFile(path, self.frames, atoms))

    def write(self) -> None:
        """Write a frame of each replica as it is now."""
        dynamics = self.dynamics
        energies = (dynamics.state.energy, dynamics.kinetic_energy, dynamics.conserved, dynamics.current_temperature)
        columns = [values.tolist() for values in energies]
        lines = []
        for replica, file in enumerate(self._files):
            shown = image(dynamics, replica)
            if self.trained_on is not None and np.isfinite(shown.positions).all():
                far = float(self.trained_on.extrapolation(batch_of([shown])).max())
                shown.info["extrapolation"] = far  # a .traj has no room for that of each atom
                self.outside += far > 1
            file.append(shown)
            numbers = ",".join(f"{values[replica]:.9f}" for values in columns)
            lines.append(f"{1000 * dynamics.time:.12g},{replica},{numbers}\n")
        with self.log.open("a", encoding="utf-8") as log:
            log.writelines(lines)
        self.frames += 1

    def close(self) -> None:
        """Close the files."""
        while self._files:
            self._files.pop().close()
