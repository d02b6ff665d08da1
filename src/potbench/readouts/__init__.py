"""Features of each atom → energy of each atom."""

from potbench.readouts.attention import Attention
from potbench.readouts.feed_forward import FeedForward
from potbench.readouts.linear import Linear
from potbench.readouts.readout import Readout
from potbench.readouts.residual import Residual

__all__ = ["Attention", "FeedForward", "Linear", "Readout", "Residual"]
