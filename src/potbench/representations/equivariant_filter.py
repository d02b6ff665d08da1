"""potbench's own equivariant network."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import pairs_within
from potbench.geometry.radial import GaussianBasis
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.spherical_tensors import TensorProducts, inner, of_directions

SOFTNESS = 1e-2
"""Added to squares of lengths below a root: at zero, where an atom's surroundings are symmetric, it is a parabola."""
EARLIER_SOFTNESS = 1e-8
"""Of checkpoints that do not say: there, lengths have a kink."""
EARLIER_NAMES = {"vectors.weight": "mixed.0.weight", "matrices.weight": "mixed.1.weight"}
"""Of weights in checkpoints of before there were other degrees than 1 and 2."""


class EquivariantFilter(Representation):
    """Atoms that exchange numbers, vectors and matrices, or more, weighted by learned functions of their distance.

    Xᵢ ← Xᵢ + Σⱼ U(rᵢⱼ) ⊙ u(xⱼ) ⊙ Eᵢⱼ + V(rᵢⱼ) ⊙ v(xⱼ) ⊙ Xⱼ + W(rᵢⱼ) ⊙ w(xⱼ) ⊙ ⟨Xⱼ, Eᵢⱼ⟩
    Xᵢ ← Xᵢ + a(yᵢ) ⊙ A Xᵢ + b(yᵢ) ⊙ (A Xᵢ B Xᵢ + B Xᵢ A Xᵢ) + c(yᵢ) ⊙ ⟨A Xᵢ, B Xᵢ⟩ + d(yᵢ)

    The features Xᵢ of an atom are numbers xᵢ, vectors, symmetric matrices without trace, and tensors of further
    degrees; Eᵢⱼ are those of the direction of a neighbor, ⟨…⟩ the numbers that come of two tensors of one degree, yᵢ
    the numbers of Xᵢ and the lengths of the others. U, V and W are sums of Gaussians with an envelope, A and B
    combinations of tensors of one degree, small letters networks of one hidden layer. At the end, xᵢ describe the atom.

    As in PaiNN, Schütt, Unke, Gastegger, ICML 2021, 9377, doi:10.48550/arXiv.2102.03150, numbers decide what is
    exchanged; tensors and their products are those of TensorNet, Simeon, De Fabritiis, NeurIPS 2023,
    doi:10.48550/arXiv.2306.06482; that messages turn tensors into numbers, too, is as in NequIP, Batzner et al.,
    Nat. Commun. 13, 2453 (2022), doi:10.1038/s41467-022-29939-5.

    Args:
        elements: chemical symbols that may occur.
        num_features: how many numbers, vectors, matrices and so on describe an atom.
        num_interactions: how many times messages are exchanged.
        cutoff: in Å.
        basis_spacing: distance from one Gaussian to the next, and their width, in Å.
        max_l: largest degree of tensors: 2 for vectors and matrices, 3 for tensors of seven components as well, which
            take twice the time or more.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int = 64,
        num_interactions: int = 3,
        cutoff: float = 5.0,
        basis_spacing: float = 0.25,
        max_l: int = 2,
    ) -> None:
        super().__init__()
        require_positive(self, num_features=num_features, num_interactions=num_interactions)
        require_positive(self, cutoff=cutoff, basis_spacing=basis_spacing)
        if basis_spacing > cutoff:
            raise SettingError(self, "basis_spacing", basis_spacing, f"at most the cutoff, {cutoff}")
        if max_l < 2:
            raise SettingError(self, "max_l", max_l, "at least 2", "vectors alone have no products that are vectors")
        self.max_l = max_l
        self.num_features = num_features
        self.cutoff: float = cutoff
        self.basis = GaussianBasis(cutoff, basis_spacing, gamma=0.5 / basis_spacing**2)
        self.embedding = nn.Embedding(num_embeddings(elements), num_features)
        num_functions, numbers = self.basis.num_functions + 1, range(num_interactions)
        self.exchanges = nn.ModuleList(_Exchange(num_functions, num_features, max_l, number == 0) for number in numbers)
        self.products = nn.ModuleList(
            _Product(num_features, max_l, number == num_interactions - 1) for number in numbers
        )

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        pairs = pairs_within(batch, self.cutoff)
        atoms, neighbors = pairs.both_ways
        envelope = cosine_cutoff(pairs.distances, self.cutoff).unsqueeze(1)
        basis = torch.cat([self.basis(pairs.distances) * envelope, envelope], dim=1)
        there = pairs.vectors / pairs.distances.unsqueeze(1)
        directions = [each.unsqueeze(-1) for each in of_directions(torch.cat([there, -there]), self.max_l)]
        numbers = self.embedding(batch.atomic_numbers)
        nothing = [numbers.new_zeros(len(numbers), each.shape[1], self.num_features) for each in directions]
        features = _Features(numbers, nothing)
        for exchange, product in zip(self.exchanges, self.products, strict=True):
            features = product(exchange(features, basis, directions, atoms, neighbors))
        return features.numbers


class _Features(NamedTuple):
    """Features of atoms.

    Attributes:
        numbers: shape (atoms, features).
        tensors: of degrees 1, 2, …: shapes (atoms, 3, features), (atoms, 5, features), …
    """

    numbers: Tensor
    tensors: list[Tensor]


class _Exchange(nn.Module):
    """One exchange of messages; before the first, tensors are zero."""

    def __init__(self, num_functions: int, num_features: int, max_l: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.num_kinds = 1 + max_l if is_first else 1 + 3 * max_l
        self.filters = _linear(num_functions, self.num_kinds * num_features, bias=False)
        self.sent = _network(num_features, num_features, self.num_kinds)

    def forward(
        self, features: _Features, basis: Tensor, directions: list[Tensor], atoms: Tensor, neighbors: Tensor
    ) -> _Features:
        filters = self.filters(basis).unflatten(1, (self.num_kinds, -1)).unbind(1)
        sent = self.sent(features.numbers).unbind(1)
        # each kind on its own: one compiled loop for all of them would compute each of the others in vain
        kinds = (
            torch.cat([one, one]) * other.index_select(0, neighbors) for one, other in zip(filters, sent, strict=True)
        )
        numbers = next(kinds)
        tensors = [next(kinds).unsqueeze(-2) * each for each in directions]
        if not self.is_first:
            there = [each.index_select(0, neighbors) for each in features.tensors]
            tensors = [message + next(kinds).unsqueeze(-2) * each for message, each in zip(tensors, there, strict=True)]
            for each, direction in zip(there, directions, strict=True):
                numbers = numbers + next(kinds) * inner(each, direction)

        def receive(own: Tensor, message: Tensor) -> Tensor:
            # in mixed precision, messages have a lower one
            return own + message.new_zeros(own.shape).index_add(0, atoms, message)

        return _Features(receive(features.numbers, numbers), list(map(receive, features.tensors, tensors)))


class _Product(nn.Module):
    """Products of the features of an atom with one another; the last ones change numbers alone."""

    def __init__(self, num_features: int, max_l: int, is_last: bool) -> None:
        super().__init__()
        self.is_last = is_last
        self.products = TensorProducts(max_l)
        self.mixed = nn.ModuleList(_linear(num_features, 2 * num_features, bias=False) for _ in range(max_l))
        self.strength = _network((1 + max_l) * num_features, num_features, 1 + max_l if is_last else 1 + 3 * max_l)
        self.softness: Tensor
        self.register_buffer("softness", torch.tensor(SOFTNESS))

    def forward(self, features: _Features) -> _Features:
        numbers, tensors = features
        pairs = [mixed(each).chunk(2, dim=2) for mixed, each in zip(self.mixed, tensors, strict=True)]
        lengths = [(inner(other, other) + self.softness).sqrt() for _, other in pairs]
        kinds = iter(self.strength(torch.cat([numbers, *lengths], dim=1)).unbind(1))
        numbers = numbers + next(kinds)
        for one, other in pairs:
            numbers = numbers + next(kinds) * inner(one, other)
        if self.is_last:
            return features._replace(numbers=numbers)
        ones, others = zip(*pairs, strict=True)
        for added in (ones, self.products(ones, others)):
            tensors = [each + next(kinds).unsqueeze(1) * more for each, more in zip(tensors, added, strict=True)]
        return _Features(numbers, tensors)

    @override
    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *more: Any) -> None:
        state_dict.setdefault(f"{prefix}softness", torch.tensor(EARLIER_SOFTNESS))
        for earlier, name in EARLIER_NAMES.items():
            if prefix + earlier in state_dict:
                state_dict[prefix + name] = state_dict.pop(prefix + earlier)
        super()._load_from_state_dict(state_dict, prefix, *more)


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
