"""One training among those of a comparison: its label, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from potbench.runs.choices import Choices
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record


class Outcome(StrEnum):
    """What came of a training, in the words of the report."""

    FINISHED = "finished"
    DIVERGED = "diverged"
    FAILED = "failed"
    MISSING = "missing"


class Label(NamedTuple):
    """What a training is called among the others.

    Attributes:
        architecture: its name.
        dataset: its name.
        size: number of training frames, where several are compared; None where all have the same.
        training: which repetition, from 0.
        fold: which fold, from 0; None without folds.
        baseline: whether it only shows what the others must beat.
    """

    architecture: str
    dataset: str
    size: int | None
    training: int
    fold: int | None = None
    baseline: bool = False

    @property
    def text(self) -> str:
        """Return it as it stands in lists: schnet ethanol N=400 training 2 fold 1."""
        parts = [self.architecture, self.dataset]
        parts += [] if self.size is None else [f"N={self.size}"]
        parts += [f"training {self.training}"]
        return " ".join(parts + ([] if self.fold is None else [f"fold {self.fold}"]))


class Absent(NamedTuple):
    """What a report does not compare, and why.

    Attributes:
        label: what it is called.
        reason: a sentence without its period.
        level: red where it was refused, amber where it is not there, note where it was meant to be left out.
    """

    label: str
    reason: str
    level: str = "amber"


@dataclass(frozen=True, eq=False)
class Member:
    """One training among those of a comparison.

    Args:
        label: what it is called.
        folder: of the run.
        outcome: what came of it.
        reason: why it has no numbers; empty where it has.
        record: of the run; None where there is none.
        choices: of its config; None where there is none.
        identity: sha256 of what its numbers depend on.
    """

    label: Label
    folder: RunFolder
    outcome: Outcome
    reason: str = ""
    record: Record | None = None
    choices: Choices | None = None
    identity: str = ""

    @property
    def known(self) -> Record:
        """Return the record of a run that has one."""
        assert self.record is not None
        return self.record


class Search(NamedTuple):
    """A search for hyperparameters that was made before the comparison.

    Attributes:
        architecture: for which.
        dataset: on which.
        objective: error of the validation frames that chose, as records have it.
        best: smallest validation error after each trial; NaN before the first that ended well.
        expected: smallest error to be expected of as many trials; NaN likewise.
        seconds: of all trials together; None where that is not known.
        chosen: what was found, for readers.
    """

    architecture: str
    dataset: str
    objective: str
    best: tuple[float, ...]
    expected: tuple[float, ...]
    seconds: float | None = None
    chosen: str = ""


class Asked(NamedTuple):
    """What a report shall answer.

    Attributes:
        title: of the page.
        question: in the words of who asks; empty for none.
        metric: error that decides; None for that of the forces where there are any, else of the energies.
        also: errors that are reported besides.
        reference: architecture to which the others are put in relation; None for the best.
        smallest_difference: relative difference that matters.
        budget: rule by which budgets are equal: steps, epochs, frames, wall_time; as_given for none; None for runs that
            no study made.
        original: text and numbers of an earlier study: who published it, rows of column → value.
        searches: for hyperparameters, before the comparison.
        commands: that make the report again.
        notes: what a reader of the numbers should know: sentences.
    """

    title: str
    question: str = ""
    metric: str | None = None
    also: tuple[str, ...] = ()
    reference: str | None = None
    smallest_difference: float = 0.05
    budget: str | None = None
    original: tuple[str, tuple[dict[str, str], ...]] | None = None
    searches: tuple[Search, ...] = ()
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def trials(self) -> dict[str, int]:
        """Return architecture → trials of its searches, the most of any dataset; empty without tuning."""
        found: dict[str, int] = {}
        for search in self.searches:
            found[search.architecture] = max(found.get(search.architecture, 0), len(search.best))
        return found
