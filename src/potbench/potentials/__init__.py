"""Batch → Prediction."""

from potbench.potentials.atomic import AtomicPotential
from potbench.potentials.baselines import Composition, Coordinates, Pairwise
from potbench.potentials.ensemble import Ensemble
from potbench.potentials.graph_pes import GraphPES
from potbench.potentials.mace import MACE
from potbench.potentials.nequip import NequIP
from potbench.potentials.potential import Potential
from potbench.potentials.sgdml import SGDML

__all__ = [
    "MACE",
    "SGDML",
    "AtomicPotential",
    "Composition",
    "Coordinates",
    "Ensemble",
    "GraphPES",
    "NequIP",
    "Pairwise",
    "Potential",
]
