"""Members of an ensemble that share a representation, evaluated at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from potbench.batch import Batch, Prediction
from potbench.potentials.atomic import AtomicPotential
from potbench.potentials.potential import Potential

SHARED = "representation"


class Features(NamedTuple):
    """Features that all members share, as a batch carries them.

    Attributes:
        features: shape (atoms, features), differentiable with respect to the positions.
        position_gradient: none: they are differentiated like everything else.
    """

    features: Tensor
    position_gradient: Callable[[Tensor], Tensor] | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return the same with the features changed."""
        return self._replace(features=change(self.features))


class AtOnce:
    """Evaluates members whose representation has no weights: that once for all, and what is behind it as one network.

    Members of one shape are one network with a further dimension. Others are evaluated one by one behind the
    representation, and so are those with an operation that torch cannot give a further dimension. The numbers are the
    same up to rounding.

    Args:
        members: they share a representation without weights; see `of`.
    """

    def __init__(self, members: Sequence[AtomicPotential]) -> None:
        self.members = list(members)
        self.is_one_network = _have_one_shape(members)
        self._weights: dict[str, Tensor] = {}
        self._sources: list[_Source] = []

    @classmethod
    def of(cls, members: Sequence[Potential]) -> Self | None:
        """Return what evaluates members at once; None where they do not share a representation without weights."""
        atomic = [member for member in members if isinstance(member, AtomicPotential)]
        if len(atomic) < len(members) or atomic[0].representation.constants is None:
            return None
        kinds = [(member.elements, member.representation.constants) for member in atomic]
        return cls(atomic) if all(kind == kinds[0] for kind in kinds) else None

    def with_features(self, batch: Batch) -> Batch:
        """Return the batch with the features of its atoms."""
        return batch._replace(cached=Features(self.members[0].features(batch)))

    def energies_and_gradients(self, batch: Batch) -> tuple[list[Prediction], Tensor]:
        """Compute the energies of each member, and ∂Eₘ/∂x of shape (members, atoms, 3), in eV/Å."""
        start = batch.positions.detach().requires_grad_()
        features = self.members[0].features(batch.with_positions(start))
        # a copy for each member: the derivatives of the sum of all energies are then those of each
        count = len(self.members)
        copies = features.detach().expand(count, -1, -1).requires_grad_()
        positions = batch.positions.detach().expand(count, -1, -1).requires_grad_()
        energies, atomic = self._from_features(batch, copies, positions)
        to_features, to_positions = torch.autograd.grad(energies.sum(), (copies, positions), allow_unused=True)
        # of all members together, the way back to the positions is hardly longer than that of one
        (gradients,) = torch.autograd.grad(features, start, to_features, is_grads_batched=True)
        found = [Prediction(*each) for each in zip(energies.detach(), [None] * count, atomic.detach(), strict=True)]
        return found, gradients if to_positions is None else gradients + to_positions

    def _from_features(self, batch: Batch, features: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the energies of molecules and atoms by each member.

        Args:
            batch: the molecules.
            features: shape (members, atoms, features).
            positions: shape (members, atoms, 3), in Å.

        Returns:
            Shape (members, molecules) and (members, atoms), in eV.
        """
        if self.is_one_network:
            first = self.members[0]

            def one(weights: dict[str, Tensor], features: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
                there = batch._replace(positions=positions, cached=Features(features))
                return _energies(functional_call(first, weights, (there,), tie_weights=False))

            try:
                found: tuple[Tensor, Tensor] = vmap(one)(self._stacked_weights(), features, positions)
            except (RuntimeError, ValueError):
                self.is_one_network = False  # an operation cannot be given a further dimension
            else:
                return found
        each = [
            _energies(member(batch._replace(positions=place, cached=Features(of_atoms))))
            for member, of_atoms, place in zip(self.members, features, positions, strict=True)
        ]
        energies, atomic = zip(*each, strict=True)
        return torch.stack(energies), torch.stack(atomic)

    def _stacked_weights(self) -> dict[str, Tensor]:
        """Return all weights, stacked; anew only where one has changed, been moved or been cast."""
        if not self._sources or not all(each.is_as_it_was for each in self._sources):
            self._sources = [source for member in self.members for source in _sources(member)]
            weights, buffers = stack_module_state(self.members)
            stacked = {**weights, **buffers}
            self._weights = {name: value.detach() for name, value in stacked.items() if not _is_shared(name)}
        return self._weights


class _Source:
    """A weight that was stacked, by which a change is noticed."""

    __slots__ = ("name", "place", "tensor", "version", "where")

    def __init__(self, place: dict[str, Tensor | None], name: str, tensor: Tensor) -> None:
        self.place = place
        self.name = name
        self.tensor = tensor
        self.version = tensor._version
        self.where = tensor.data_ptr()

    @property
    def is_as_it_was(self) -> bool:
        """Whether it was not exchanged, written to, moved or cast."""
        tensor = self.tensor
        return self.place[self.name] is tensor and tensor._version == self.version and tensor.data_ptr() == self.where


def _sources(potential: AtomicPotential) -> Iterator[_Source]:
    for path, module in potential.named_modules():
        if _is_shared(path):
            continue
        for place in (module._parameters, module._buffers):
            yield from (_Source(place, name, tensor) for name, tensor in place.items() if tensor is not None)


def _energies(prediction: Prediction) -> tuple[Tensor, Tensor]:
    assert prediction.atomic_energies is not None
    return prediction.energy, prediction.atomic_energies


def _is_shared(name: str) -> bool:
    return name.split(".")[0] == SHARED


def _have_one_shape(members: Sequence[AtomicPotential]) -> bool:
    """Return whether members are the same but for the weights behind the representation.

    A module or weight that has two names cannot be exchanged by torch for a stacked one.
    """
    first = members[0]
    every, once = (
        [
            name
            for name, _ in [*first.named_parameters(remove_duplicate=each), *first.named_buffers(remove_duplicate=each)]
        ]
        for each in (False, True)
    )
    if any(not _is_shared(name) for name in set(every) - set(once)):
        return False
    try:
        return all(_shape(member) == _shape(members[0]) for member in members)
    except (RuntimeError, ValueError):  # of attributes that cannot be compared, such as arrays
        return False


def _shape(potential: AtomicPotential) -> list[object]:
    """Return the classes and plain attributes of all modules behind the representation, and the shapes of weights."""
    modules = [
        (name, type(module), {key: value for key, value in vars(module).items() if not key.startswith("_")})
        for name, module in potential.named_modules()
        if name and not _is_shared(name)
    ]
    weights = [(name, value.shape, value.dtype) for name, value in potential.state_dict().items()]
    return [type(potential), modules, weights]
