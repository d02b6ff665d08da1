"""One cell as the job of a cluster: what submitit starts there."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.studies.cells import CellState
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_run import CellRun
from potbench.studies.running.commands import Stage
from potbench.studies.running.forwarding import forwarded
from potbench.studies.running.state import state_of

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

PAUSE = 1.0
"""Seconds after which a cell that another process works on is looked at again."""


class CellJob:
    """Takes a cell through the commands that it lacks, as a local study does, and has itself queued again.

    Before the time limit submitit asks for a checkpoint: the command that runs saves what it has, and the job is queued
    again. Where SLURM stops a job to make room for another, this queues it; one that is canceled stays so.

    Args:
        folder: of the study.
        name: of the cell.
        stages: the commands of the study.
        retry_failed: whether it is run where it failed earlier.
    """

    def __init__(self, folder: Path, name: str, stages: Sequence[Stage], retry_failed: bool = False) -> None:
        self.folder = folder
        self.name = name
        self.stages = stages
        self.retry_failed = retry_failed
        self._run: CellRun | None = None

    def __call__(self) -> str:
        """Work on the cell; return the state that it comes to."""
        folder = StudyFolder(self.folder)
        plan = folder.load_plan()
        cell = plan.cell(self.name)
        self._run = run = CellRun(folder, plan, cell, self.stages)
        with forwarded(run.send_signal):
            while (state := self._state(run)) is None and not run.claim():
                time.sleep(PAUSE)
            if state is None:
                state = run.run()
                run.release()
        if state not in (CellState.FINISHED, CellState.DIVERGED, CellState.FAILED):
            queue_again()
        return str(state)

    def checkpoint(self) -> DelayedSubmission:
        """Have the command that runs save what it has; return the job that goes on.

        submitit calls this while the command is waited for, and ends this process behind it.
        """
        from submitit.helpers import DelayedSubmission

        if self._run is not None:
            self._run.send_signal(signal.SIGTERM)
            self._run.wait_for_command()
        return DelayedSubmission(CellJob(self.folder, self.name, self.stages, self.retry_failed))

    def _state(self, run: CellRun) -> CellState | None:
        """Return the state of the cell where there is nothing to do, or nothing more after a signal; else None."""
        state = state_of(run.folder, run.cell, self.stages)
        is_settled = state.is_final or (state is CellState.FAILED and not self.retry_failed)
        return state if is_settled or run.is_stopped else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None}


def queue_again() -> None:
    """Have SLURM queue this job again, unless it was canceled, is queued again already, or is no job of SLURM."""
    job = os.environ.get("SLURM_JOB_ID")
    if job is None:
        return
    asked = ["squeue", "-h", "-o", "%T", "-j", job]
    state = subprocess.run(asked, text=True, capture_output=True, check=False).stdout.strip()
    if state == "RUNNING":
        subprocess.run(["scontrol", "requeue", job], check=True)
