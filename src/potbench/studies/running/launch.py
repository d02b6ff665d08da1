"""Runs the cells of a study, here or as jobs of a cluster, and waits until nothing is left to do."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from potbench.runs.signals import NAMES, Stopped
from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.commands import Stage, stages_asked_for
from potbench.studies.running.cost_cells import with_cost_measured
from potbench.studies.running.devices import devices_of
from potbench.studies.running.forwarding import forwarded
from potbench.studies.running.progress import Progress
from potbench.studies.running.slurm import SlurmJobs
from potbench.studies.running.slurm_settings import SlurmSettings
from potbench.studies.running.state import state_of
from potbench.studies.running.workers import LocalWorkers, Runner

if TYPE_CHECKING:
    from potbench.studies.study import Study


@dataclass(frozen=True)
class StudyResult:
    """What has come of the cells of a study.

    Args:
        counts: state → cells in it.
        failed: labels of the cells that failed.
        unfinished: labels of those that neither failed nor are done: somebody ended their commands.
    """

    counts: dict[CellState, int]
    failed: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is left to do; a training that diverged is a result."""
        return not self.failed and not self.unfinished

    @classmethod
    def of(cls, states: dict[Cell, CellState]) -> StudyResult:
        """Return the result of cells in these states."""
        failed = [cell.label for cell, state in states.items() if state is CellState.FAILED]
        left = [cell.label for cell, state in states.items() if not state.is_final and state is not CellState.FAILED]
        return cls(dict(Counter(states.values())), tuple(failed), tuple(left))


def run_study(
    folder: StudyFolder,
    plan: Plan,
    study: Study,
    only: Sequence[str] = (),
    retry_failed: bool = False,
    stages: Sequence[Stage] | None = None,
    console: Console | None = None,
) -> StudyResult:
    """Run the cells of a study that are not finished.

    Where the training with which cost should be measured diverges, the next takes its place, also in the stored plan.

    Args:
        folder: of the study, with the configs of the cells.
        plan: the cells, in the order in which they are run.
        study: says where they are run, and how many at once.
        only: parts of labels or names; the other cells are left as they are. Empty for all cells.
        retry_failed: whether cells that failed earlier are run again.
        stages: the commands of each cell; by default those that the study asks for.
        console: where progress is shown; by default the terminal.

    Raises:
        RunError: no cell has one of these labels.
        Stopped: a signal came; the commands that ran have saved what they had.
        MissingPackageError: the cells are to be jobs of a cluster, and submitit is not installed.
        PotbenchError: a setting of the jobs is wrong, or there is no cluster here.
    """
    cells = plan.chosen(only)
    stages = stages_asked_for(study) if stages is None else stages
    runner: Runner
    if study.run.where == "slurm":
        settings = SlurmSettings.of(study.run.slurm)
        runner = SlurmJobs(folder, plan, settings, study.run.at_once, retry_failed, stages)
    else:
        devices = devices_of(plan.accelerator)
        runner = LocalWorkers(folder, plan, study.run.at_once, retry_failed, stages, devices)
    with Progress(folder, plan, cells, study.run.at_once, stages, console) as progress:
        with forwarded(runner.stop):
            try:
                runner.begin(cells)
                while not runner.wait(progress.interval):
                    progress.update()
            except BaseException:
                runner.stop(signal.SIGTERM)  # else it would go on until all is done
                raise
        progress.update()
    states = {cell: state_of(folder, cell, stages) for cell in cells}
    if runner.signal:
        done = sum(state.is_final for state in states.values())
        raise Stopped(
            f"stopped by {NAMES[runner.signal]} with {done} of {len(cells)} cells done. {runner.left_behind} "
            "Run the same command again to go on.",
            128 + runner.signal,
        )
    moved = with_cost_measured(folder, plan)
    if moved != plan:
        if folder.load_plan() == plan:  # else the study file has changed meanwhile, and was planned
            folder.save_plan(moved)
        return run_study(folder, moved, study, only, False, stages, console)
    return StudyResult.of(states)
