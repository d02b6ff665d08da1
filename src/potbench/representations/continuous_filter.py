"""potbench's own continuous-filter network."""

from __future__ import annotations

from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.geometry.radial import GaussianBasis
from potbench.limits import REPRESENTATION, require_positive
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings
from potbench.representations.shifted_softplus import ShiftedSoftplus


class ContinuousFilter(Representation):
    """Atoms that exchange messages, weighed by what a network makes of their distance.

    xᵢ ← xᵢ + C ssp(B Σⱼ f(rᵢⱼ) W(rᵢⱼ) ⊙ (A xⱼ)),   W(r) = ssp(E ssp(D g(r))),   g(r) Gaussians, f a cosine cutoff

    A to E are linear layers with bias, ssp is the shifted softplus. The network of Schütt et al., J. Chem. Phys. 148,
    241722 (2018), doi:10.1063/1.5019779, with what its first description, doi:10.48550/arXiv.1706.08566, has in
    addition: an activation behind the filter.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of x.
        num_interactions: how many times messages are exchanged.
        cutoff: of f in Å; null for none: every atom then feels all others of its molecule, however far away.
        basis_end: where the Gaussians end, in Å.
        basis_spacing: from one Gaussian to the next, in Å.
        gamma: γ of the Gaussians, in Å⁻².
        rms_norm: whether a root mean square norm stands before each activation.
    """

    def __init__(
        self,
        elements: list[str],
        num_features: int = 64,
        num_interactions: int = 3,
        cutoff: float | None = 5.0,
        basis_end: float = 5.0,
        basis_spacing: float = 0.1,
        gamma: float = 10.0,
        rms_norm: bool = False,
    ) -> None:
        super().__init__()
        require_positive(REPRESENTATION, num_features=num_features, num_interactions=num_interactions, cutoff=cutoff)
        require_positive(REPRESENTATION, basis_end=basis_end, basis_spacing=basis_spacing, gamma=gamma)
        if basis_spacing > basis_end:
            raise ValueError(
                f"basis_spacing is {basis_spacing} Å and basis_end {basis_end} Å, expected room for a Gaussian. "
                f"Change {REPRESENTATION}.basis_spacing."
            )
        self.num_features = num_features
        self.cutoff = cutoff
        self.basis = GaussianBasis(basis_end, basis_spacing, gamma)
        self.embedding = nn.Embedding(num_embeddings(elements), num_features)
        self.blocks = nn.ModuleList(
            _Block(self.basis.num_functions, num_features, rms_norm) for _ in range(num_interactions)
        )

    def forward(self, batch: Batch, element: Tensor) -> Tensor:  # noqa: D102
        pairs = pairs_within(batch, self.cutoff)
        basis = self.basis(pairs.distances)
        fading = None if self.cutoff is None else cosine_cutoff(pairs.distances, self.cutoff).unsqueeze(1)
        features: Tensor = self.embedding(batch.atomic_numbers)
        for block in self.blocks:
            features = features + block(features, basis, fading, pairs)
        return features


class _Block(nn.Module):
    """One exchange of messages."""

    def __init__(self, num_functions: int, num_features: int, rms_norm: bool) -> None:
        super().__init__()

        def activated(inputs: int) -> list[nn.Module]:
            norm = [nn.RMSNorm(num_features, eps=1e-5)] if rms_norm else []
            return [_linear(inputs, num_features), *norm, ShiftedSoftplus()]

        self.filter = nn.Sequential(*activated(num_functions), *activated(num_features))
        self.before = _linear(num_features, num_features)
        self.after = nn.Sequential(*activated(num_features), _linear(num_features, num_features))

    def forward(self, features: Tensor, basis: Tensor, fading: Tensor | None, pairs: Pairs) -> Tensor:
        filters = self.filter(basis)
        if fading is not None:
            filters = filters * fading
        added: Tensor = self.after(convolve(self.before(features), filters, pairs))
        return added


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear layer that keeps the size of what passes through, at the start."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    return layer
