"""Which runs may be members of an ensemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from potbench.errors import RunError
from potbench.runs.checkpoint import Content, read_checkpoint, sha256
from potbench.runs.choices import Choices
from potbench.runs.ensemble_of import EnsembleMember
from potbench.runs.folder import RunFolder
from potbench.runs.recipe import is_ensemble
from potbench.runs.record import Record


class MemberRun(NamedTuple):
    """A finished run.

    Attributes:
        folder: of the run.
        record: of the run.
        content: of the checkpoint that it stands for.
        config: of the run, as YAML.
    """

    folder: RunFolder
    record: Record
    content: Content
    config: str

    @property
    def named(self) -> EnsembleMember:
        """Return it as the record of an ensemble names it."""
        file = self.folder.result
        choices = Choices.load(self.folder).identity
        return EnsembleMember(str(self.folder.path), str(file), sha256(file), self.record.parent, choices)


def read_members(runs: Sequence[RunFolder]) -> list[MemberRun]:
    """Read the runs of an ensemble.

    Raises:
        RunError: there are fewer than two, one is not finished or an ensemble itself, two have the same weights, or
            they do not belong together.
        RecordError, CheckpointError: files are damaged.
    """
    if len(runs) < 2:
        raise RunError(
            f"An ensemble of {len(runs)} {'run' if len(runs) == 1 else 'runs'} has no spread. Expected the folders of "
            "two or more. Name more runs."
        )
    members = []
    for folder in runs:
        folder.require()
        if folder.state != "finished":
            raise RunError(
                f"{folder.path} is not finished: its training is {folder.state}. Expected finished runs. Resume it "
                "with `python -m potbench fit`, or leave it out."
            )
        content = read_checkpoint(folder.checkpoint(str(folder.result)))
        if is_ensemble(content.recipe):
            raise RunError(
                f"{folder.path} is an ensemble itself: its mean would count as that of one training, and a member that "
                "it shares with others twice. Expected runs of single potentials. Name its members in its place."
            )
        members.append(MemberRun(folder, Record.load(folder.path), content, folder.config.read_text(encoding="utf-8")))
    require_same_labels([(member.folder, member.record) for member in members])
    first = members[0]
    for other in members[1:]:
        if other.record.data.fingerprint != first.record.data.fingerprint:
            _refuse(first.folder, other.folder, "data", first.record.data.name, other.record.data.name)
        if set(other.content.elements) != set(first.content.elements):
            _refuse(
                first.folder, other.folder, "elements", *(", ".join(each.content.elements) for each in (first, other))
            )
    require_apart([(member.folder.path, member.content.weights) for member in members])
    return members


def require_same_labels(runs: Sequence[tuple[RunFolder, Record]]) -> None:
    """Raise RunError unless runs were trained on labels in one unit and of one level of theory."""
    for other, record in runs[1:]:
        first, known = runs[0]
        facts = {
            "units": (known.data.units.energy, record.data.units.energy),
            "level of theory": (known.data.theory, record.data.theory),
        }
        for name, (one, two) in facts.items():
            if one != two:
                _refuse(first, other, name, one, two)


def require_apart(runs: Sequence[tuple[Path | str, Mapping[str, Tensor]]]) -> None:
    """Raise RunError where two potentials have the same weights.

    Args:
        runs: folder or checkpoint of each, and its weights by name.
    """
    for (one, weights), (other, others) in combinations(runs, 2):
        if weights.keys() == others.keys() and all(torch.equal(weights[name], others[name]) for name in weights):
            raise RunError(
                f"{one} and {other} have the same weights, and no spread. Expected runs that were trained apart, by "
                "other seeds or on other frames. Leave one of them out."
            )


def _refuse(first: RunFolder, other: RunFolder, what: str, one: str, two: str) -> None:
    values = f": {one} and {two}" if one != two else ""
    raise RunError(
        f"{first.path} and {other.path} differ in their {what}{values}. Expected members of an ensemble that were "
        f"trained on the same. Leave one of them out."
    )
