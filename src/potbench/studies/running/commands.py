"""The commands that take a cell from a config to a finished run, each in a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from zipfile import is_zipfile

from potbench.runs.folder import RunFolder
from potbench.studies.cells import Cell, Plan
from potbench.studies.folder import StudyFolder

if TYPE_CHECKING:
    from potbench.studies.study import Study

POTBENCH = (sys.executable, "-m", "potbench")
OF_RUN = ("{run}", "--ckpt_path", "{checkpoint}")
MACHINE = ("--threads", "{threads}", "--accelerator", "{accelerator}")
OF_SLURM = ("SLURM_", "SUBMITIT_")
"""Beginnings of the variables by which a program would take itself for one of several tasks of a job."""


@dataclass(frozen=True)
class Stage:
    """A command of a cell.

    Args:
        name: in messages.
        command: its words; {config}, {run}, {checkpoint}, {threads} and {accelerator} stand for those of the cell.
        leaves: where in the record its result is, from the outside in.
        statuses: with which it ends where all is well; check ends with 1 where a law is broken, and examine
            where a limit is exceeded, which are results.
        only_for_cost: whether it belongs to the cells alone with which inference is measured.
        mode: of an examination; a shorter or longer one is none.
        predicts: whether it leaves the predictions of the run besides.
    """

    name: str
    command: tuple[str, ...]
    leaves: tuple[str, ...]
    statuses: tuple[int, ...] = (0,)
    only_for_cost: bool = False
    mode: str = ""
    predicts: bool = False

    def is_done(self, record: Mapping[str, Any], run: RunFolder) -> bool:
        """Return whether its result is in the record of a run, as JSON holds it, and beside it."""
        if self.predicts and not is_zipfile(run.predictions):  # gone, or cut off: the table of a .npz is at its end
            return False
        found: Any = record
        for name in self.leaves:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found is not None and (not self.mode or any(each.get("mode") == self.mode for each in found))

    def words(self, folder: StudyFolder, plan: Plan, cell: Cell) -> list[str]:
        """Return the command for a cell.

        Args:
            folder: of the study.
            plan: of the study.
            cell: that is worked on.
        """
        run = folder.run(cell)
        meant = {
            "config": folder.config(cell),
            "run": run.path,
            "checkpoint": run.result.stem,
            "threads": plan.threads,
            "accelerator": plan.accelerator,
        }
        return [word.format(**meant) for word in self.command]


STAGES = (
    Stage("fit", (*POTBENCH, "fit", "--config", "{config}", "--run_dir", "{run}", "--resume", "auto"), ("budget",)),
    Stage("test", (*POTBENCH, "test", "{run}"), ("metrics", "test"), predicts=True),
    Stage("cost", (*POTBENCH, "cost", *OF_RUN, *MACHINE), ("inference",), only_for_cost=True),
    Stage("check", (*POTBENCH, "check", *OF_RUN), ("laws",), statuses=(0, 1)),
)
EXAMINE = Stage("examine", (*POTBENCH, "examine", *OF_RUN, "--mode"), ("examined",), statuses=(0, 1))
"""Of the studies that ask for it, with the mode behind it."""


def stages_asked_for(study: Study) -> tuple[Stage, ...]:
    """Return the commands of a study, which may leave out what it does not examine."""
    left_out = {"cost": not study.examine.cost, "check": not study.examine.laws}
    stages = [stage for stage in STAGES if not left_out.get(stage.name)]
    mode = study.examine.work
    if mode is not None:
        stages.append(replace(EXAMINE, command=(*EXAMINE.command, mode), mode=mode))
    allowed = ("--allow", *study.run.allow) if study.run.allow else ()
    return tuple(replace(stage, command=(*stage.command, *allowed)) for stage in stages)


def stages_of(cell: Cell, stages: Sequence[Stage] = STAGES) -> list[Stage]:
    """Return what is done with a cell, in this order."""
    return [stage for stage in stages if cell.measures_cost or not stage.only_for_cost]


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a command: a fixed number of threads, and one process alone.

    Args:
        threads: of its matrix products.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OF_SLURM)}
    # tables in the log are as wide as a page
    return {**kept, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "COLUMNS": "120"}
