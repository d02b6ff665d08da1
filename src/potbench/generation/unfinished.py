"""The frames of one molecule while they are made, kept in a file that at no moment is half-written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from potbench.generation.normal_modes import Float64Array, NormalModes


@dataclass
class Conformers:
    """The frames of one molecule made so far, and where they came from.

    Attributes:
        atomic_numbers: shape (atoms,), uint8.
        start: shape (atoms, 3), the geometry before optimisation, in Å.
        modes: minimum and vibrations.
        positions: shape (frames, atoms, 3), in Å, float64.
        energy: shape (frames,), in eV, float64.
        forces: shape (frames, atoms, 3), in eV/Å, float64.
        redrawn: shape (frames, 2), how often a frame was drawn again: atoms too close, energy not converged.
        seconds: how long it took.
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
        """Write to `path`, which at no moment holds half a file."""
        unfinished = path.with_suffix(".writing.npz")
        shape = (-1, len(self.atomic_numbers), 3)
        np.savez(
            unfinished,
            atomic_numbers=self.atomic_numbers,
            start=self.start,
            positions=np.reshape(self.positions, shape),
            energy=np.array(self.energy, np.float64),
            forces=np.reshape(self.forces, shape),
            redrawn=np.reshape(np.array(self.redrawn, np.int64), (-1, 2)),
            seconds=self.seconds,
            **{f"modes_{key}": value for key, value in self.modes._asdict().items()},
        )
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Conformers:
        """Read what `save` wrote."""
        with np.load(path) as file:
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
        """The same molecule with the first frames only."""
        return replace(
            self,
            positions=self.positions[:num_frames],
            energy=self.energy[:num_frames],
            forces=self.forces[:num_frames],
            redrawn=self.redrawn[:num_frames],
        )

    def summary(self) -> dict[str, object]:
        """What the manifest says of this molecule."""
        return {
            "frames": len(self.energy),
            "redrawn_atoms_too_close": sum(close for close, _ in self.redrawn),
            "redrawn_not_converged": sum(failed for _, failed in self.redrawn),
            "seconds": round(self.seconds, 1),
        }
