"""Features of each atom → energy of each atom."""

from potbench.readouts.feed_forward import FeedForward
from potbench.readouts.readout import Readout

__all__ = ["FeedForward", "Readout"]
