"""The plain feed-forward network of ANI."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, pairwise

from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_fraction, require_positive
from potbench.readouts.per_element import PerElement
from potbench.readouts.readout import Readout


class FeedForward(Readout):
    """Linear layers with activations between them, down to a single output.

    Source: Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of the features of an atom.
        hidden_sizes: widths of the hidden layers; or chemical symbol → widths, where elements differ.
        activation: activation function after each hidden layer.
        dropout: probability of dropping a hidden unit in training.
        per_element: one network for each element, or a single one for all.
        rms_norm: whether each activation is preceded by a root mean square norm.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int,
        hidden_sizes: list[int] | dict[str, list[int]],
        activation: Callable[[], nn.Module] = nn.CELU,
        dropout: float = 0.0,
        per_element: bool = True,
        rms_norm: bool = False,
    ) -> None:
        super().__init__()
        require_fraction(self, dropout=dropout)
        every_size = hidden_sizes.values() if isinstance(hidden_sizes, dict) else [hidden_sizes]
        for size in chain.from_iterable(every_size):
            require_positive(self, hidden_sizes=size)
        if isinstance(hidden_sizes, dict):
            if not per_element:
                problem = "hidden_sizes differ by element, but per_element is false"
                raise SettingError(self, "per_element", per_element, "a network for each element", problem)
            missing = sorted(set(elements) - set(hidden_sizes))
            if missing:
                problem = f"hidden_sizes has no {', '.join(missing)}"
                raise SettingError(self, "hidden_sizes", hidden_sizes, "the widths of every element", problem)

        def network(symbol: str | None = None) -> nn.Module:
            widths = hidden_sizes[symbol] if isinstance(hidden_sizes, dict) and symbol else hidden_sizes
            layers: list[nn.Module] = []
            for inputs, outputs in pairwise([num_features, *widths]):
                layers += [
                    nn.Linear(inputs, outputs),
                    *([nn.RMSNorm(outputs, eps=1e-5)] if rms_norm else []),
                    activation(),
                ]
                if dropout:
                    layers.append(nn.Dropout(dropout))
            return nn.Sequential(*layers, nn.Linear([num_features, *widths][-1], 1))

        self.network = PerElement(elements, network) if per_element else network()

    @override
    def forward(self, features: Tensor, batch: Batch, element: Tensor) -> Tensor:
        per_element = isinstance(self.network, PerElement)
        energies: Tensor = self.network(features, batch, element) if per_element else self.network(features)
        return energies.squeeze(-1)
