"""Frames of one molecule while they are made, saved in a file that is never half-written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from potbench.datasets.generated_manifest import GeneratedMolecule
from potbench.generation.normal_modes import Float64Array, NormalModes
from potbench.whole_file import whole_file


@dataclass
class Conformers:
    """Frames of one molecule made so far, and the minimum they were drawn around.

    Attributes:
        atomic_numbers: shape (atoms,), uint8.
        start: shape (atoms, 3), geometry before optimization, in Å.
        modes: minimum and vibrations.
        positions: shape (frames, atoms, 3), in Å, float64.
        energy: shape (frames,), in eV, float64.
        forces: shape (frames, atoms, 3), in eV/Å, float64.
        redrawn: shape (frames, 2), how often each frame was drawn again: atoms too close, energy not converged.
        seconds: computing time.
    """

    atomic_numbers: np.ndarray[Any, np.dtype[np.uint8]]
    start: Float64Array
    modes: NormalModes
    positions: list[Float64Array]
    energy: list[float]
    forces: list[Float64Array]
    redrawn: list[tuple[int, int]]
    seconds: float

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        shape = (-1, len(self.atomic_numbers), 3)
        with whole_file(path) as partial, partial.open("wb") as stream:
            np.savez(
                stream,
                atomic_numbers=self.atomic_numbers,
                start=self.start,
                positions=np.reshape(self.positions, shape),
                energy=np.array(self.energy, np.float64),
                forces=np.reshape(self.forces, shape),
                redrawn=np.reshape(np.array(self.redrawn, np.int64), (-1, 2)),
                seconds=self.seconds,
                **{f"modes_{key}": value for key, value in self.modes._asdict().items()},
            )

    @classmethod
    def load(cls, path: Path) -> Conformers:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as file:
            return cls(
                atomic_numbers=file["atomic_numbers"],
                start=file["start"],
                modes=NormalModes(*(file[f"modes_{key}"] for key in NormalModes._fields)),
                positions=list(file["positions"]),
                energy=file["energy"].tolist(),
                forces=list(file["forces"]),
                redrawn=[(int(close), int(failed)) for close, failed in file["redrawn"]],
                seconds=float(file["seconds"]),
            )

    def first(self, num_frames: int) -> Conformers:
        """Return the same molecule with the first frames only."""
        return replace(
            self,
            positions=self.positions[:num_frames],
            energy=self.energy[:num_frames],
            forces=self.forces[:num_frames],
            redrawn=self.redrawn[:num_frames],
        )

    def summary(self) -> GeneratedMolecule:
        """Return the facts for the manifest."""
        return GeneratedMolecule(
            frames=len(self.energy),
            redrawn_atoms_too_close=sum(close for close, _ in self.redrawn),
            redrawn_not_converged=sum(failed for _, failed in self.redrawn),
            seconds=round(self.seconds, 1),
        )
