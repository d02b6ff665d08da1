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
from potbench.representations.matrices import COMPONENTS, inner, of_directions, products
from potbench.representations.representation import Representation, num_embeddings

SOFTNESS = 1e-2
"""Added to squares of lengths below a root: at zero, where an atom's surroundings are symmetric, it is a parabola."""
EARLIER_SOFTNESS = 1e-8
"""Of checkpoints that do not say: there, lengths have a kink."""


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
        num_functions, numbers = self.basis.num_functions + 1, range(num_interactions)
        self.exchanges = nn.ModuleList(_Exchange(num_functions, num_features, number == 0) for number in numbers)
        self.products = nn.ModuleList(_Product(num_features, number == num_interactions - 1) for number in numbers)

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        pairs = pairs_within(batch, self.cutoff)
        atoms, neighbors = pairs.both_ways
        envelope = cosine_cutoff(pairs.distances, self.cutoff).unsqueeze(1)
        basis = torch.cat([self.basis(pairs.distances) * envelope, envelope], dim=1)
        there = pairs.vectors / pairs.distances.unsqueeze(1)
        vectors = torch.cat([there, -there])
        directions = vectors.unsqueeze(-1), of_directions(vectors).unsqueeze(-1)
        numbers = self.embedding(batch.atomic_numbers)
        nothing = (numbers.new_zeros(numbers.shape[0], size, self.num_features) for size in (3, COMPONENTS))
        features = _Features(numbers, *nothing)
        for exchange, product in zip(self.exchanges, self.products, strict=True):
            features = product(exchange(features, basis, directions, atoms, neighbors))
        return features.numbers


class _Features(NamedTuple):
    """Features of atoms.

    Attributes:
        numbers: shape (atoms, features).
        vectors: shape (atoms, 3, features).
        matrices: shape (atoms, 5, features), symmetric and without trace.
    """

    numbers: Tensor
    vectors: Tensor
    matrices: Tensor


class _Exchange(nn.Module):
    """One exchange of messages; before the first, vectors and matrices are zero."""

    def __init__(self, num_functions: int, num_features: int, is_first: bool) -> None:
        super().__init__()
        self.is_first = is_first
        self.num_kinds = 3 if is_first else 7
        self.filters = _linear(num_functions, self.num_kinds * num_features, bias=False)
        self.sent = _network(num_features, num_features, self.num_kinds)

    def forward(
        self, features: _Features, basis: Tensor, directions: tuple[Tensor, Tensor], atoms: Tensor, neighbors: Tensor
    ) -> _Features:
        filters = self.filters(basis).unflatten(1, (self.num_kinds, -1)).unbind(1)
        sent = self.sent(features.numbers).unbind(1)
        # each kind on its own: one compiled loop for all of them would compute each of the others in vain
        kinds = [
            torch.cat([one, one]) * other.index_select(0, neighbors) for one, other in zip(filters, sent, strict=True)
        ]
        numbers = kinds[0]
        vectors, matrices = (kind.unsqueeze(-2) * each for kind, each in zip(kinds[1:3], directions, strict=True))
        if not self.is_first:
            there = _Features(*(each.index_select(0, neighbors) for each in features))
            vectors = vectors + kinds[3].unsqueeze(-2) * there.vectors
            matrices = matrices + kinds[4].unsqueeze(-2) * there.matrices
            numbers = numbers + kinds[5] * inner(there.vectors, directions[0])
            numbers = numbers + kinds[6] * inner(there.matrices, directions[1])
        received = (
            message.new_zeros(own.shape).index_add(0, atoms, message)  # in mixed precision, messages have a lower one
            for own, message in zip(features, (numbers, vectors, matrices), strict=True)
        )
        return _Features(*(own + message for own, message in zip(features, received, strict=True)))


class _Product(nn.Module):
    """Products of the features of an atom with one another; the last ones change numbers alone."""

    def __init__(self, num_features: int, is_last: bool) -> None:
        super().__init__()
        self.is_last = is_last
        self.vectors, self.matrices = (_linear(num_features, 2 * num_features, bias=False) for _ in range(2))
        self.strength = _network(3 * num_features, num_features, 3 if is_last else 7)
        self.softness: Tensor
        self.register_buffer("softness", torch.tensor(SOFTNESS))

    def forward(self, features: _Features) -> _Features:
        numbers, vectors, matrices = features
        one, other = self.vectors(vectors).chunk(2, dim=2)
        one_matrix, other_matrix = self.matrices(matrices).chunk(2, dim=2)
        lengths = [(inner(each, each) + self.softness).sqrt() for each in (other, other_matrix)]
        kinds = self.strength(torch.cat([numbers, *lengths], dim=1)).unbind(1)
        numbers = numbers + kinds[0] + kinds[1] * inner(one, other) + kinds[2] * inner(one_matrix, other_matrix)
        if self.is_last:
            return features._replace(numbers=numbers)
        product, product_matrix = products(one, one_matrix, other, other_matrix)
        return _Features(
            numbers,
            vectors + kinds[3].unsqueeze(1) * one + kinds[5].unsqueeze(1) * product,
            matrices + kinds[4].unsqueeze(1) * one_matrix + kinds[6].unsqueeze(1) * product_matrix,
        )

    @override
    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *more: Any) -> None:
        state_dict.setdefault(f"{prefix}softness", torch.tensor(EARLIER_SOFTNESS))
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
