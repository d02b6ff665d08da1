"""A feed-forward network with a skip connection."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import require_fraction, require_positive
from potbench.readouts.per_element import PerElement
from potbench.readouts.readout import Readout


class Residual(Readout):
    """One network for each element, with a skip connection around its middle layers.

    x = A G + a,   y = x + layers(x),   energy = C · act(B y + b) + c;   a layer is linear, activation, dropout

    Source of the skip: He et al., CVPR 2016, 770, doi:10.1109/CVPR.2016.90.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of the features of an atom.
        width: of x and y.
        num_layers: how many layers the skip connection spans.
        last_width: width of the layer before the energy.
        activation: the nonlinearity.
        dropout: probability of dropping a unit of the spanned layers in training.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int,
        width: int = 300,
        num_layers: int = 2,
        last_width: int = 128,
        activation: Callable[[], nn.Module] = nn.GELU,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        require_positive(self, width=width, num_layers=num_layers, last_width=last_width)
        require_fraction(self, dropout=dropout)

        def network(_: str) -> nn.Module:
            layers: list[nn.Module] = []
            for _layer in range(num_layers):
                layers += [nn.Linear(width, width), activation(), nn.Dropout(dropout)]
            return nn.Sequential(
                nn.Linear(num_features, width),
                _Skip(nn.Sequential(*layers)),
                nn.Linear(width, last_width),
                activation(),
                nn.Linear(last_width, 1),
            )

        self.network = PerElement(elements, network)

    @override
    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        energies: Tensor = self.network(features, batch, element)
        return energies.squeeze(-1)


class _Skip(nn.Module):
    """A skip connection: the outputs of its layers plus their inputs."""

    def __init__(self, layers: nn.Module) -> None:
        super().__init__()
        self.layers = layers

    def forward(self, values: Tensor) -> Tensor:
        added: Tensor = values + self.layers(values)
        return added
