"""Batch → features of each atom."""

from potbench.representations.aev import AEV
from potbench.representations.representation import Representation

__all__ = ["AEV", "Representation"]
