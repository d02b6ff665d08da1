"""potbench's own continuous-filter network."""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.errors import SettingError, require_positive
from potbench.geometry.cutoff import cosine_cutoff
from potbench.geometry.pairs import Pairs, pairs_within
from potbench.geometry.radial import GaussianBasis
from potbench.representations.convolution import convolve
from potbench.representations.representation import Representation, num_embeddings, rename_weights
from potbench.representations.shifted_softplus import ShiftedSoftplus


class ContinuousFilter(Representation):
    """Atoms that exchange messages, weighted by a learned function of their distance.

    xᵢ ← xᵢ + C ssp(B Σⱼ f(rᵢⱼ) W(rᵢⱼ) ⊙ (A xⱼ)),   W(r) = ssp(E ssp(D g(r))),   g(r) Gaussians, f a cosine cutoff

    A to E are linear layers with bias, ssp is the shifted softplus. The network of Schütt et al., J. Chem. Phys. 148,
    241722 (2018), doi:10.1063/1.5019779, with the activation after the filter that its first description,
    doi:10.48550/arXiv.1706.08566, has in addition.

    Args:
        elements: chemical symbols that may occur.
        num_features: length of x.
        num_interactions: how many times messages are exchanged.
        cutoff: of f in Å; None for no cutoff: every atom then interacts with all others of its molecule, however far.
        basis_end: where the Gaussians end, in Å.
        basis_spacing: distance from one Gaussian to the next, in Å.
        gamma: γ of the Gaussians, in Å⁻².
        rms_norm: whether each activation is preceded by a root mean square norm.
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
        require_positive(self, num_features=num_features, num_interactions=num_interactions, cutoff=cutoff)
        require_positive(self, basis_end=basis_end, basis_spacing=basis_spacing, gamma=gamma)
        if basis_spacing > basis_end:
            raise SettingError(
                self,
                "basis_spacing",
                basis_spacing,
                "at most basis_end",
                f"basis_spacing is {basis_spacing} Å and basis_end {basis_end} Å, which leaves no room for a Gaussian",
            )
        self.num_features = num_features
        self.cutoff = cutoff
        self.basis = GaussianBasis(basis_end, basis_spacing, gamma)
        self.embedding = nn.Embedding(num_embeddings(elements), num_features)
        self.interactions = nn.ModuleList(
            _Interaction(self.basis.num_functions, num_features, rms_norm) for _ in range(num_interactions)
        )
        rename = partial(rename_weights, "blocks", "interactions")
        self.register_load_state_dict_pre_hook(rename)  # type: ignore[no-untyped-call]  # torch has none for it

    @override
    def forward(self, batch: Batch, element: Tensor) -> Tensor:
        pairs = pairs_within(batch, self.cutoff)
        basis = self.basis(pairs.distances)
        cutoff_values = None if self.cutoff is None else cosine_cutoff(pairs.distances, self.cutoff).unsqueeze(1)
        features: Tensor = self.embedding(batch.atomic_numbers)
        for interaction in self.interactions:
            features = features + interaction(features, basis, cutoff_values, pairs)
        return features


class _Interaction(nn.Module):
    """One exchange of messages."""

    def __init__(self, num_functions: int, num_features: int, rms_norm: bool) -> None:
        super().__init__()

        def activated(inputs: int) -> list[nn.Module]:
            norm = [nn.RMSNorm(num_features, eps=1e-5)] if rms_norm else []
            return [_linear(inputs, num_features), *norm, ShiftedSoftplus()]

        self.filter = nn.Sequential(*activated(num_functions), *activated(num_features))
        self.before = _linear(num_features, num_features)
        self.after = nn.Sequential(*activated(num_features), _linear(num_features, num_features))

    def forward(self, features: Tensor, basis: Tensor, cutoff_values: Tensor | None, pairs: Pairs) -> Tensor:
        filters = self.filter(basis)
        if cutoff_values is not None:
            filters = filters * cutoff_values
        added: Tensor = self.after(convolve(self.before(features), filters, pairs))
        return added


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Return a linear layer whose initial weights preserve the variance of its inputs."""
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_uniform_(layer.weight)
    return layer
