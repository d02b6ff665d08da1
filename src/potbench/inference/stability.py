"""Whether molecules that move are still what they were."""

from __future__ import annotations

from typing import NamedTuple

import torch
from ase.data import covalent_radii
from torch import Tensor

from potbench.inference.dynamics import Dynamics
from potbench.structures import SYMBOLS, FloatArray

BONDED = 1.3
"""Times the sum of covalent radii up to which two atoms are bonded."""
STRETCHED = 0.5
"""Å that a bond may differ from its length at the start, or on average in the data."""
NEAREST = 0.4
"""Å between two atoms; the bond of H₂, the shortest one, is 0.74 Å long."""
HOT = (10, 3000.0)
"""Times the temperature, and K at least, that the temperature may reach."""


class Failure(NamedTuple):
    """What happened to a replica.

    Attributes:
        replica: which.
        what: what happened, as the end of a sentence.
    """

    replica: int
    what: str


class Stability:
    """Bonds at the start, and what breaks them: a bond stretches by 0.5 Å, atoms collide, or the molecule explodes.

    The limit of bonds is that of Fu et al., Trans. Mach. Learn. Res. 2023, doi:10.48550/arXiv.2210.07237.

    Args:
        dynamics: at its start.
        data: frames of the molecule, shape (frames, atoms, 3), in Å, whose mean lengths take the place of those at the
            start; None for none.
    """

    def __init__(self, dynamics: Dynamics, data: FloatArray | None = None) -> None:
        numbers, start = dynamics.atomic_numbers, dynamics.state.positions[:1]
        self.pairs = torch.triu_indices(len(numbers), len(numbers), 1, device=start.device)
        self.lengths = self._distances(start if data is None else torch.as_tensor(data).to(start)).mean(dim=0)
        self.before = "at the start" if data is None else "on average in the data"
        radii = torch.as_tensor(covalent_radii[numbers], device=start.device)
        self.bonded = self.lengths < BONDED * (radii[self.pairs[0]] + radii[self.pairs[1]])
        self.hottest = max(HOT[0] * dynamics.temperature, HOT[1])

    def failures(self, dynamics: Dynamics) -> list[Failure]:
        """Return the replicas that have broken or exploded, each once; the host waits for the device."""
        distances = self._distances(dynamics.state.positions)
        stretched = torch.where(self.bonded, (distances - self.lengths).abs(), 0.0)
        temperature = dynamics.current_temperature
        hot = ~(temperature <= self.hottest) | ~dynamics.state.energy.isfinite()  # NaN is hot too
        broken = hot | (stretched > STRETCHED).any(dim=1) | (distances < NEAREST).any(dim=1)
        return [
            Failure(replica, self._what(dynamics, distances[replica], stretched[replica], hot[replica], replica))
            for replica in broken.nonzero().squeeze(1).tolist()
        ]

    def _what(self, dynamics: Dynamics, distances: Tensor, stretched: Tensor, hot: Tensor, replica: int) -> str:
        if hot:
            kelvin = float(dynamics.current_temperature[replica])
            return f"exploded: its temperature is {kelvin:.3g} K, above {self.hottest:.0f} K"
        if (distances < NEAREST).any():
            pair = int(distances.argmin())
            return f"collapsed: {self._named(dynamics, pair)} are {distances[pair]:.2f} Å apart"
        pair = int(stretched.argmax())
        return (
            f"broke: {self._named(dynamics, pair)}, which are bonded, are {distances[pair]:.2f} Å apart, and were "
            f"{self.lengths[pair]:.2f} Å {self.before}"
        )

    def _named(self, dynamics: Dynamics, pair: int) -> str:
        atoms = self.pairs[:, pair].tolist()
        return "atoms " + " and ".join(f"{atom} ({SYMBOLS[dynamics.atomic_numbers[atom]]})" for atom in atoms)

    def _distances(self, positions: Tensor) -> Tensor:
        vectors: Tensor = positions[:, self.pairs[0]] - positions[:, self.pairs[1]]
        distances: Tensor = torch.linalg.vector_norm(vectors, dim=2)
        return distances
