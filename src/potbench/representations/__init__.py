"""Batch → features of each atom."""

from potbench.representations.ace import ACE
from potbench.representations.aev import AEV
from potbench.representations.continuous_filter import ContinuousFilter
from potbench.representations.equivariant_filter import EquivariantFilter
from potbench.representations.hybrid import Hybrid
from potbench.representations.painn import PaiNN
from potbench.representations.representation import Representation
from potbench.representations.schnet import SchNet
from potbench.representations.shifted_softplus import ShiftedSoftplus

__all__ = [
    "ACE",
    "AEV",
    "ContinuousFilter",
    "EquivariantFilter",
    "Hybrid",
    "PaiNN",
    "Representation",
    "SchNet",
    "ShiftedSoftplus",
]
