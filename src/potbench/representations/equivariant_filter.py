"""potbench's own equivariant network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.geometry.radial import GaussianBasis
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.tensors import TensorAlgebra, of_directions

SOFTNESS = 1e-2
"""Added to squares of lengths below a root: at zero, where an atom's surroundings are symmetric, it is a parabola."""
EARLIER_SOFTNESS = 1e-8
"""Of checkpoints that do not say: there, lengths have a kink."""
LENGTH = math.sqrt(3)
"""Over the length of the matrix of a direction e, e eᵀ − 1/3: it becomes that of the vector."""


class EquivariantFilter(Representation):
    """Atoms that exchange numbers, vectors and matrices, weighted by learned functions of their distance.

    Xᵢ ← Xᵢ + Σⱼ U(rᵢⱼ) ⊙ u(xⱼ) ⊙ Eᵢⱼ + V(rᵢⱼ) ⊙ v(xⱼ) ⊙ Xⱼ + W(rᵢⱼ) ⊙ w(xⱼ) ⊙ ⟨Xⱼ, Eᵢⱼ⟩
    Xᵢ ← Xᵢ + a(yᵢ) ⊙ A Xᵢ + b(yᵢ) ⊙ (A Xᵢ B Xᵢ + B Xᵢ A Xᵢ) + c(yᵢ) ⊙ ⟨A Xᵢ, B Xᵢ⟩ + d(yᵢ)

    The features Xᵢ of an atom are numbers xᵢ, vectors, and symmetric matrices without trace; Eᵢⱼ are those of the
    direction of a neighbor, ⟨…⟩ the numbers that come of two vectors and of two matrices, yᵢ the numbers of Xᵢ and the
    lengths of the others. U, V and W are sums of Gaussians with an envelope, A and B combinations of vectors and of
    matrices, small letters networks of one hidden layer. At the end, xᵢ describe the atom.

    As in PaiNN, Schütt, Unke, Gastegger, ICML 2021, 9377, doi:10.48550/arXiv.2102.03150, numbers decide what is
    exchanged; tensors and their products are those of TensorNet, Simeon, De Fabritiis, NeurIPS 2023,
    doi:10.48550/arXiv.2306.06482; that messages turn tensors into numbers, too, is as in NequIP, Batzner et al.,
    Nat. Commun. 13, 2453 (2022), doi:10.1038/s41467-022-29939-5.

    Args:
        elements: chemical symbols that may occur.
        num_features: how many numbers, vectors and matrices describe an atom.
        num_interactions: how many times messages are exchanged.
        cutoff: in Å.
        basis_spacing: distance from one Gaussian to the next, and their width, in Å.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int = 64,
        num_interactions: int = 3,
        cutoff: float = 5.0,
        basis_spacing: float = 0.25,
    ) -> None:
        super().__init__()
        require_positive(self, num_features=num_features, num_interactions=num_interactions)
        require_positive(self, cutoff=cutoff, basis_spacing=basis_spacing)
        if basis_spacing > cutoff:
            raise SettingError(self, "basis_spacing", basis_spacing, f"at most the cutoff, {cutoff}")
        self.num_features = num_features
        self.cutoff: float = cutoff
        self.basis = GaussianBasis(cutoff, basis_spacing, gamma=0.5 / basis_spacing**2)
        self.embedding = nn.Embedding(num_embeddings(elements), num_features)
        algebra, num_functions = TensorAlgebra(), self.basis.num_functions + 1
        numbers = range(num_interactions)
        self.exchanges = nn.ModuleList(
            _Exchange(num_functions, num_features, algebra, number == 0) for number in numbers
        )
        self.products = nn.ModuleList(
            _Product(num_features, algebra, number == num_interactions - 1) for number in numbers
        )

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        pairs = pairs_within(batch, self.cutoff)
        envelope = cosine_cutoff(pairs.distances, self.cutoff).unsqueeze(1)
        basis = torch.cat([self.basis(pairs.distances) * envelope, envelope], dim=1)
        there_and_back = of_directions(pairs.vectors / pairs.distances.unsqueeze(1))
        directions = [torch.cat([way[:, :4], way[:, 4:] * LENGTH], dim=1).unsqueeze(2) for way in there_and_back]
        tensors = _with_numbers(self.embedding(batch.atomic_numbers).unsqueeze(1))
        for exchange, product in zip(self.exchanges, self.products, strict=True):
            tensors = tensors + exchange(tensors, basis, directions, pairs)
            tensors = tensors + product(tensors)
        return tensors[:, 0]


class _Exchange(nn.Module):
    """One exchange of messages; before the first, there are numbers alone."""

    def __init__(self, num_functions: int, num_features: int, algebra: TensorAlgebra, is_first: bool) -> None:
        super().__init__()
        self.algebra = algebra
        self.is_first = is_first
        num_kinds = 3 if is_first else 7
        self.filters = _linear(num_functions, num_kinds * num_features, bias=False)
        self.sent = _network(num_features, num_features, num_kinds)

    def forward(self, tensors: Tensor, basis: Tensor, directions: Sequence[Tensor], pairs: Pairs) -> Tensor:
        sent = self.sent(tensors[:, 0])
        filters = self.filters(basis).view(-1, *sent.shape[1:])
        received = tensors.new_zeros(tensors.shape)
        ends = (pairs.first, pairs.second), (pairs.second, pairs.first)
        for (here, there), seen in zip(ends, directions, strict=True):
            strength = filters * sent.index_select(0, there)
            message = self.algebra.per_component(strength[:, :3]) * seen
            if not self.is_first:
                other = tensors.index_select(0, there)
                passed_on = _without_numbers(strength[:, 3:5])  # what is sent follows from them
                numbers = strength[:, 5:] * self.algebra.inner(other, seen)[:, 1:]
                message = message + self.algebra.per_component(passed_on) * other
                message = message + _with_numbers(numbers.sum(1, keepdim=True))
            received = received.index_add(0, here, message)
        return received


class _Product(nn.Module):
    """Products of the features of an atom with one another; the last ones are numbers alone."""

    def __init__(self, num_features: int, algebra: TensorAlgebra, is_last: bool) -> None:
        super().__init__()
        self.algebra = algebra
        self.is_last = is_last
        self.vectors, self.matrices = (_linear(num_features, 2 * num_features, bias=False) for _ in range(2))
        self.strength = _network(3 * num_features, num_features, 3 if is_last else 7)
        self.softness: Tensor
        self.register_buffer("softness", torch.tensor(SOFTNESS))

    def forward(self, tensors: Tensor) -> Tensor:
        algebra = self.algebra
        mixed = torch.cat([self.vectors(tensors[:, 1:4]), self.matrices(tensors[:, 4:])], dim=1)
        one, other = _without_numbers(mixed).chunk(2, dim=2)
        lengths = (algebra.inner(other, other)[:, 1:] + self.softness).sqrt()
        strength = self.strength(torch.cat([tensors[:, :1], lengths], dim=1).flatten(1))
        numbers = strength[:, :1] + (strength[:, 1:3] * algebra.inner(one, other)[:, 1:]).sum(1, keepdim=True)
        if self.is_last:
            return _with_numbers(numbers)
        linear, quadratic = (algebra.per_component(_without_numbers(strength[:, part : part + 2])) for part in (3, 5))
        changed: Tensor = _with_numbers(numbers) + linear * one + quadratic * algebra.products(one, other)
        return changed

    @override
    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *more: Any) -> None:
        state_dict.setdefault(f"{prefix}softness", torch.tensor(EARLIER_SOFTNESS))
        super()._load_from_state_dict(state_dict, prefix, *more)


def _with_numbers(numbers: Tensor) -> Tensor:
    """Return tensors of numbers alone: shape (…, 1, features) → (…, 10, features)."""
    return pad(numbers, (0, 0, 0, 9))


def _without_numbers(others: Tensor) -> Tensor:
    """Return tensors or parts without numbers: shape (…, 9 or 2, features) → (…, 10 or 3, features)."""
    return pad(others, (0, 0, 1, 0))


def _network(inputs: int, num_features: int, num_kinds: int) -> nn.Sequential:
    """Return a network of one hidden layer: shape (atoms, inputs) → (atoms, kinds, features)."""
    return nn.Sequential(
        _linear(inputs, num_features),
        nn.SiLU(),
        _linear(num_features, num_kinds * num_features),
        nn.Unflatten(1, (num_kinds, num_features)),
    )


def _linear(inputs: int, outputs: int, bias: bool = True) -> nn.Linear:
    """Return a linear layer whose initial weights preserve the variance of its inputs."""
    layer = nn.Linear(inputs, outputs, bias=bias)
    nn.init.xavier_uniform_(layer.weight)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
