"""A potential of potentials: the mean of its members, and how far they spread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch, Prediction, Statistics
from potbench.errors import SettingError
from potbench.potentials.ensemble_at_once import AtOnce
from potbench.potentials.potential import Potential


class Ensemble(Potential):
    """Mean of the energies and forces of its members; their spread tells how far to trust it.

    E = 1/M Σₘ Eₘ,   u² = a² Σₘ (Eₘ − E)² / (M − 1),   and the same for each force component

    The factor a makes spreads as large as errors are: it is found on frames that no member trained on, for energies and
    for forces each, and is 1 before. The members know the same elements, in any order.

    Members that share a representation without weights, such as the AEV, are evaluated at once outside of training:
    five cost about twice as much as one. Others are evaluated one after the other.

    Args:
        elements: chemical symbols that may occur; by default those of the dataset.
        members: the potentials, two or more.
    """

    energy_factor: Tensor
    forces_factor: Tensor

    def __init__(self, elements: list[str], members: list[Potential]) -> None:
        super().__init__(elements)
        if len(members) < 2:
            raise SettingError(self, "members", members, "two or more", f"An ensemble of {len(members)} has no spread")
        for number, member in enumerate(members):
            if isinstance(member, Ensemble):
                # its mean scatters less than a single member, and may share members with the others
                problem = f"Member {number} is an ensemble itself"
                raise SettingError(self, "members", members, "single potentials, such as its members", problem)
            if set(member.elements) != set(elements):
                raise SettingError(
                    self,
                    "members",
                    members,
                    "members that were built for the same elements",
                    f"Member {number} knows {', '.join(member.elements)}, and the ensemble {', '.join(elements)}",
                )
        self.members = nn.ModuleList(members)
        self.register_buffer("energy_factor", torch.ones((), dtype=torch.float64))
        self.register_buffer("forces_factor", torch.ones((), dtype=torch.float64))
        self.at_once = AtOnce.of(members)

    @property
    @override
    def num_parameters(self) -> int:
        """Return the number of trainable parameters of all members together."""
        return sum(member.num_parameters for member in self)

    @property
    def cutoff(self) -> float | None:
        """Return the distance in Å beyond which atoms do not interact in any member; None where there is no limit."""
        found = [getattr(member, "cutoff", None) for member in self]
        limits = [limit for limit in found if limit is not None]
        return max(limits) if len(limits) == len(found) else None

    def __len__(self) -> int:
        """Return the number of members."""
        return len(self.members)

    def __iter__(self) -> Iterator[Potential]:
        """Yield the members."""
        yield from self.members  # type: ignore[misc]  # torch takes all that it holds for modules alone

    @override
    def adapt(self, statistics: Statistics) -> None:
        for member in self:
            member.adapt(statistics)

    @override
    def element_tables(self) -> dict[str, list[tuple[str, ...]]]:
        return {
            f"members.{number}.{name}": rows
            for number, member in enumerate(self)
            for name, rows in member.element_tables().items()
        }

    @override
    def refuse_unknown(self, batch: Batch) -> None:
        """Raise UnknownMoleculeError for a molecule that a member was not made for."""
        super().refuse_unknown(batch)
        for member in self:
            member.refuse_unknown(batch)

    @override
    def energies(self, batch: Batch) -> Prediction:
        if self.at_once is not None and batch.cached is None:
            batch = self.at_once.with_features(batch)
        return self._joined([member.energies(batch) for member in self])

    @override
    def energies_and_gradient(self, batch: Batch) -> tuple[Prediction, Tensor]:
        if self.at_once is not None and batch.cached is None and not self.training:
            found, gradients = self.at_once.energies_and_gradients(batch)
        else:
            for member in self:
                member.training = self.training  # forces keep their graph where those of the ensemble do
            predictions, of_members = zip(*(member.energies_and_gradient(batch) for member in self), strict=True)
            found, gradients = list(predictions), torch.stack(of_members)
        gradient, spread = mean_and_spread(gradients)
        # forces are minus the gradient, and spread as far
        joined = self._joined(found)._replace(forces_spread=spread * self.forces_factor.to(spread.dtype))
        return joined, gradient

    def _joined(self, predictions: Sequence[Prediction]) -> Prediction:
        energy, spread = mean_and_spread(torch.stack([each.energy for each in predictions]))
        atomic = [each.atomic_energies for each in predictions if each.atomic_energies is not None]
        return Prediction(
            energy=energy,
            atomic_energies=torch.stack(atomic).mean(dim=0) if len(atomic) == len(predictions) else None,
            energy_spread=spread * self.energy_factor,
        )


def mean_and_spread(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation, with M − 1, over the members: shape (members, …) → (…) each."""
    return values.mean(dim=0), values.std(dim=0)
