"""Whether energy is conserved: a straight line through what should stay the same."""

from __future__ import annotations

import numpy as np

from potbench.structures import FloatArray


class Drift:
    """Least-squares lines through the conserved energies of replicas, from sums that grow with each sample.

    Args:
        start: shape (replicas,), conserved energies at the start, in eV; the samples are taken relative to them.
    """

    def __init__(self, start: FloatArray) -> None:
        self.start = start
        # number of samples, Σt, Σt², Σe, Σte, Σe²
        self.sums = np.zeros((6, len(start)))

    def add(self, time: float, energy: FloatArray) -> None:
        """Add a sample: time in ps, conserved energies of shape (replicas,) in eV."""
        change = energy - self.start
        one = np.ones_like(change)
        self.sums += np.stack([one, time * one, time**2 * one, change, time * change, change**2])

    @property
    def slope(self) -> FloatArray:
        """Return the drift of each replica: shape (replicas,), in eV/ps; 0 of fewer than two samples."""
        number, times, squares, energies, products, _ = self.sums
        spread = number * squares - times**2
        return np.divide(number * products - times * energies, spread, out=np.zeros_like(spread), where=spread > 0)

    @property
    def fluctuation(self) -> FloatArray:
        """Return the root mean square distance from the line: shape (replicas,), in eV."""
        _, times, squares, energies, _, energies_squared = self.sums / np.maximum(self.sums[0], 1)
        along = self.slope**2 * (squares - times**2)
        variance: FloatArray = np.maximum(energies_squared - energies**2 - along, 0)
        return np.sqrt(variance)
