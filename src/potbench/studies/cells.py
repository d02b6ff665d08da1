"""The cells of a study: one training each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from potbench.errors import RunError


class CellState(StrEnum):
    """How far a cell has come, in the words of the status; read from files alone."""

    PLANNED = "planned"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DIVERGED = "diverged"
    TRAINED = "trained"
    TESTED = "tested"
    FINISHED = "finished"  # cost, laws and work are measured too, where they were asked for

    @property
    def is_final(self) -> bool:
        """Tell whether nothing is left to do: a training that diverged is a result."""
        return self in (CellState.FINISHED, CellState.DIVERGED)


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One training of a study.

    Args:
        architecture: its name in the study.
        dataset: its name in the study.
        size: how many training frames, as the study asks; None for all.
        training: which repetition, from 0.
        fold: which fold, from 0; None without folds.
        identity: sha256, in hexadecimal, of all that its numbers depend on: the resolved config without places, devices
            and loggers, fingerprints of data and split.
        num_train: training frames.
        num_validation: validation frames.
        steps: optimizer steps of the budget; None for what is solved and not stepped.
        measures_cost: whether inference is measured with it; one cell of each architecture and dataset.
        seconds: training time to expect; None where it was not timed.
        batch_size: frames in a batch, at most; None where the plan does not say.
        pool: frames that the training frames are drawn from; None where the plan does not say.
    """

    architecture: str
    dataset: str
    size: int | None
    training: int
    fold: int | None = None
    identity: str
    num_train: int
    num_validation: int
    steps: int | None
    measures_cost: bool
    seconds: float | None = None
    batch_size: int | None = None
    pool: int | None = None

    @property
    def label(self) -> str:
        """Return what it is called in lists: schnet ethanol N=400 training 2 fold 1."""
        parts = [self.architecture, self.dataset]
        parts += [] if self.size is None else [f"N={self.size}"]
        parts += [f"training {self.training}"]
        return " ".join(parts + ([] if self.fold is None else [f"fold {self.fold}"]))

    @property
    def name(self) -> str:
        """Return the name of its files, the same for the same cell and no other."""
        parts = [self.architecture, self.dataset]
        parts += [] if self.size is None else [f"n{self.size}"]
        parts += [f"t{self.training}"] + ([] if self.fold is None else [f"f{self.fold}"])
        return "-".join([*parts, self.identity[:8]])


@dataclass(frozen=True)
class LeftOut:
    """A cell that the study does not have, and why.

    Args:
        label: what it would be called.
        reason: a sentence.
    """

    label: str
    reason: str


@dataclass(frozen=True)
class Searched:
    """A search that chose values of an architecture on a dataset.

    Args:
        architecture: its name in the study.
        dataset: its name in the study.
        table: file of its trials, in the folder of the study.
    """

    architecture: str
    dataset: str
    table: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All cells of a study, stored in plan.json; jobs and reports read it.

    Args:
        cells: in the order in which they are run.
        left_out: what the study does not train, visibly.
        threads: of each process.
        retries: how often a cell that failed is started again.
        accelerator: cpu, gpu or auto, as the study says.
        notes: what the trainings do not have of their configs, and what a reader of the numbers should know: sentences.
        searches: those that chose values of the cells; None in plans of earlier versions, which do not say.
    """

    cells: tuple[Cell, ...]
    left_out: tuple[LeftOut, ...] = ()
    threads: int = 1
    retries: int = 0
    accelerator: str = "auto"
    notes: tuple[str, ...] = ()
    searches: tuple[Searched, ...] | None = None

    def cell(self, name: str) -> Cell:
        """Return the cell of a name.

        Raises:
            RunError: there is none, as where the study was planned anew.
        """
        found = next((cell for cell in self.cells if cell.name == name), None)
        if found is None:
            raise RunError(f"The plan of the study has no cell {name}, since it was planned anew. Compare again.")
        return found

    def require_reference(self, name: str | None) -> None:
        """Raise RunError where there are no cells of the architecture to which the others are put in relation."""
        if name is None or any(cell.architecture == name for cell in self.cells):
            return
        left_out = (each.reason.removesuffix(".") for each in self.left_out if each.label.split()[0] == name)
        why = "; ".join(dict.fromkeys(left_out))
        there = ", ".join(dict.fromkeys(cell.architecture for cell in self.cells))
        raise RunError(
            f"reference is {name!r}, of which the study has no cells{why and f': {why}'}. Expected one of {there}. "
            "Change reference in the study file."
        )

    def chosen(self, only: Sequence[str]) -> list[Cell]:
        """Return the cells with one of these texts in their label or name; all of them without a text.

        Raises:
            RunError: a text is in none of them, or there are no cells at all.
        """
        if not self.cells:
            why = "; ".join(dict.fromkeys(each.reason.removesuffix(".") for each in self.left_out))
            raise RunError(
                f"The study has no cells{why and f', since all are left out: {why}'}. Change the study file."
            )
        for text in only:
            if not any(text in cell.label or text in cell.name for cell in self.cells):
                raise RunError(
                    f"No cell of the study has {text!r} in its label. Expected a part of a label such as "
                    f"{self.cells[0].label}. Choose another text."
                )
        return [
            cell for cell in self.cells if not only or any(text in cell.label or text in cell.name for text in only)
        ]
