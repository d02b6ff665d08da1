"""Training that starts from a potential that is trained already."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import islice

from torch import nn

from potbench.errors import SettingError
from potbench.loading import AtomsDataModule
from potbench.potentials.potential import Potential
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.representations import ACE
from potbench.training.reference_energies import fit_reference_energies
from potbench.training.same_architecture import differences, is_of

SHOWN = 3
"""Differences between two architectures."""


class FineTuning:
    """A training that starts from the weights of another, its parent.

    Weights are those of the parent, and so is the scale: what its readout computes is in units of it. Reference
    energies are fitted anew, for they depend on the level of theory of the energies more than anything else does:

    ε = ε_parent + δ,   min over δ of Σ (E − Ê − Σ_elements n δ)²,   Ê by the parent

    that is, to what the parent leaves of the energies, since its network computes some of what a fit to the energies
    themselves would give to the elements. An element that does not occur in the training set keeps its ε. Reference
    energies that the data are given are taken as they are. Optimizer and schedule start afresh.

    Args:
        parent: a trained potential; None where a fine-tuning is resumed, whose own checkpoint has the weights.
        freeze: weights that are not trained: their names in the potential, those of layers, such as representation or
            readout, or patterns such as *.bias.

    Raises:
        SettingError: the parent was not trained step by step.
    """

    def __init__(self, parent: Potential | None, freeze: Sequence[str] = ()) -> None:
        if parent is not None and _is_solved(parent):
            name = type(parent).__name__
            raise SettingError(
                self,
                "parent",
                name,
                "a potential that was trained step by step; this one is solved anew, from the frames of both datasets",
                f"The parent is {name}, whose coefficients belong to its training frames",
            )
        self.parent = parent
        self.freeze = tuple(freeze)

    def elements(self, of_dataset: list[str]) -> list[str]:
        """Return the elements that a potential is built for: those of the parent, then new ones of the dataset."""
        known = [] if self.parent is None else self.parent.elements
        return [*known, *(symbol for symbol in of_dataset if symbol not in known)]

    def begin(self, potential: Potential, data: AtomsDataModule) -> str:
        """Take over the weights of the parent, fit the reference energies, and freeze; called before training.

        Args:
            potential: that is trained, on the CPU.
            data: has been set up.

        Returns:
            What was done, in lines.

        Raises:
            SettingError: the potential is of another architecture or was built for other elements, or nothing is called
                as `freeze` says, or nothing is left to train.
        """
        lines = []
        new: list[str] = []
        if self.parent is not None:
            new = self._take_over(self.parent, potential)
            added = f"; weights of {', '.join(new)} are new" if new else ""
            lines.append(f"Weights are those of the parent{added}.")
            if potential.repulsion is not None:  # the weights come from both training sets
                potential.repulsion.narrow(data.statistics.shortest_distances)
            if isinstance(potential, SumOverAtoms):
                lines += fit_reference_energies(potential, data, new)
            self.parent = None  # a second training goes on from the first
        frozen = self._freeze(potential, new)
        if self.freeze:
            total = sum(weight.numel() for weight in potential.parameters())
            lines.append(f"{frozen:,} of {total:,} weights are frozen.")
        return "\n".join(lines)

    def _take_over(self, parent: Potential, potential: Potential) -> list[str]:
        """Copy the weights; return the elements that the parent lacks."""
        known = parent.elements
        if potential.elements[: len(known)] != known:
            expected = f"those of the parent, in its order, before any others: {', '.join(known)}"
            raise SettingError(potential, "elements", potential.elements, expected)
        new = potential.elements[len(known) :]
        found = "; ".join(islice(differences(parent, potential, new), SHOWN))
        if found:
            problem, expected = f"The potential is of another architecture than its parent: {found}", "the same"
            if new:
                problem = f"The parent was built without {', '.join(new)}, and its weights do not fit: {found}"
                expected = f"one built for {', '.join(potential.elements)}, or features that no list of elements shapes"
            raise SettingError(self, "parent", type(parent).__name__, expected, problem)
        if isinstance(potential, SumOverAtoms) and isinstance(parent, SumOverAtoms):
            scale = float(parent.scale)
            if potential.given_scale not in {None, scale}:
                expected = f"the parent's, {scale:g} eV, in units of which its readout was trained, or null"
                raise SettingError(potential, "scale", potential.given_scale, expected)
        weights, own = parent.state_dict(), potential.state_dict()
        tables, of_parent = potential.element_tables(), parent.element_tables()
        for name, rows in tables.items():
            for row, key in enumerate(rows):
                if key in of_parent[name]:
                    own[name][row] = weights[name][of_parent[name].index(key)]
        potential.load_state_dict({**own, **{name: weights[name] for name in weights if name not in tables}})
        return new

    def _freeze(self, potential: Potential, new: Sequence[str]) -> int:
        """Freeze weights; return how many numbers these are."""
        weights = dict(potential.named_parameters())
        layers = [name for name, _ in potential.named_modules() if name]
        frozen: set[str] = set()
        for name in self.freeze:
            chosen = {weight for weight in weights if weight.startswith(f"{name}.") or fnmatchcase(weight, name)}
            # a layer may have no weights, as AEVs have none
            if not chosen and name not in layers:
                near = get_close_matches(name, [*layers, *weights]) or [name for name, _ in potential.named_children()]
                raise SettingError(
                    self,
                    "freeze",
                    list(self.freeze),
                    f"a layer, a weight or a pattern, such as {' or '.join(near or list(weights)[:1])}",
                    f"{type(potential).__name__} has no weights called {name}",
                )
            frozen |= chosen
        untrained = sorted(name for name in frozen if is_of(name, new) or (new and _has_rows(potential, name)))
        if untrained:
            raise SettingError(
                self,
                "freeze",
                list(self.freeze),
                f"names of weights that do not belong to {', '.join(new)}",
                f"{untrained[0]} has weights of {', '.join(new)}, which would stay as they were drawn at random",
            )
        if len(frozen) == len(weights):
            problem = f"All {len(weights)} weights and biases of the potential are frozen"
            raise SettingError(self, "freeze", list(self.freeze), "some that are trained", problem)
        for name in frozen:
            weights[name].requires_grad_(False)
        return sum(weights[name].numel() for name in frozen)


def _has_rows(potential: Potential, weight: str) -> bool:
    """Return whether a weight is a table with rows of single elements."""
    layer = potential.get_submodule(weight.rpartition(".")[0])
    return weight in potential.element_tables() or isinstance(layer, nn.Embedding)


def _is_solved(parent: Potential) -> bool:
    """Return whether a potential was solved: it has no weights, or lacks products that its training frames lack."""
    if next(parent.parameters(), None) is None:
        return True
    return any(isinstance(layer, ACE) and layer.is_restricted for layer in parent.modules())
