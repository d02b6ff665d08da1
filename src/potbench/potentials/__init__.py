"""Batch → Prediction."""

from potbench.potentials.atomic import AtomicPotential
from potbench.potentials.potential import Potential

__all__ = ["AtomicPotential", "Potential"]
