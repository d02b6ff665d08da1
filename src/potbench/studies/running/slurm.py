"""Cells run as jobs of a SLURM cluster."""

from __future__ import annotations

import getpass
import json
import subprocess
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from filelock import FileLock

from potbench.errors import MissingPackageError, PotbenchError, RunError
from potbench.studies.cells import Cell, CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_job import CellJob
from potbench.studies.running.commands import Stage
from potbench.studies.running.slurm_settings import SlurmSettings
from potbench.studies.running.state import state_of
from potbench.whole_file import write_text

if TYPE_CHECKING:
    from submitit import Executor

QUEUE_PAUSE = 10.0
"""Seconds after which the queue is looked at again."""
MOST_STARTS = 1_000
"""How often a job is queued again at its time limit."""


class SlurmJobs:
    """Runs cells as jobs, each of which starts the same commands as a local study.

    Jobs are known by the queue and by the files of their cells alone, so that another process can watch them, and two
    of them do not submit a cell twice. A job that leaves the queue with its cell undone is not submitted again before
    the study is run again.

    Args:
        folder: of the study, on a disk that all nodes share.
        plan: the cells, in the order in which they are submitted.
        settings: of the jobs.
        at_once: how many run at the same time.
        retry_failed: whether cells that failed earlier are run again.
        stages: the commands of each cell.
    """

    left_behind = "Jobs that were submitted stay in the queue."

    def __init__(
        self,
        folder: StudyFolder,
        plan: Plan,
        settings: SlurmSettings,
        at_once: int,
        retry_failed: bool,
        stages: Sequence[Stage],
    ) -> None:
        self.folder = folder
        self.plan = plan
        self.settings = settings
        self.at_once = at_once
        self.retry_failed = retry_failed
        self.stages = stages
        self.signal = 0
        self.queue_pause = QUEUE_PAUSE
        self._open: list[Cell] = []
        self._queued: set[str] = set()
        self._looked = 0.0

    def begin(self, cells: Sequence[Cell]) -> None:
        """Submit a job for each cell that nobody works on.

        Raises:
            MissingPackageError: submitit is not installed.
            PotbenchError: there is no SLURM here.
            RunError: SLURM refuses the jobs.
        """
        executor = self.executor()
        executor.update_parameters(**self.settings.of_submitit(self.plan.threads, self.at_once))
        self.folder.jobs.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder.jobs / "submit.lock"):
            self._look_at_queue()
            self._open = [cell for cell in cells if not self._is_settled(cell)]
            new = [cell for cell in self._open if not self._is_waited_for(cell)]
            submitted = self._submit(executor, new) if new else {}
            for name, job in submitted.items():
                write_text(self.folder.jobs / f"{name}.json", json.dumps({"job": job}) + "\n")
            self._queued |= set(submitted.values())

    def wait(self, seconds: float) -> bool:
        """Wait for so long; return whether no job is left, or a signal came."""
        time.sleep(seconds)
        if time.monotonic() - self._looked >= self.queue_pause:
            self._look_at_queue()
            # those that have left the queue are looked at last: their files are written before
            self._open = [cell for cell in self._open if self._is_waited_for(cell)]
        return bool(self.signal) or not self._open

    def stop(self, number: int) -> None:
        """End early; jobs stay in the queue."""
        self.signal = self.signal or number

    def executor(self) -> Executor:
        """Return what submits jobs."""
        try:
            import submitit
        except ImportError as error:
            raise MissingPackageError("submitit", "Studies whose trainings are jobs of SLURM need", "slurm") from error
        try:
            return submitit.AutoExecutor(self.folder.jobs, cluster="slurm", slurm_max_num_timeout=MOST_STARTS)
        except RuntimeError as error:
            raise PotbenchError(
                "run.where is slurm, and there is no srun on the PATH. Expected a machine of a cluster. Start the "
                "study there, or change run.where to local in the study file."
            ) from error

    def queued(self) -> set[str] | None:
        """Return the jobs of the user that wait or run; None where the queue does not answer."""
        command = ["squeue", "-h", "-r", "-o", "%i", "-u", getpass.getuser()]  # each job of an array
        found = subprocess.run(command, text=True, capture_output=True, check=False)
        return set(found.stdout.split()) if found.returncode == 0 else None

    def _look_at_queue(self) -> None:
        self._looked = time.monotonic()
        found = self.queued()
        self._queued = self._queued if found is None else found

    def _submit(self, executor: Executor, cells: Sequence[Cell]) -> dict[str, str]:
        """Submit one job, or an array of them; return name of the cell → number of its job."""
        from submitit.core.utils import FailedJobError, FailedSubmissionError

        path = self.folder.path.absolute()
        try:
            with executor.batch():
                jobs = [executor.submit(CellJob(path, cell.name, self.stages, self.retry_failed)) for cell in cells]
        except (FailedJobError, FailedSubmissionError) as error:
            lines = str(error).strip().splitlines() or ["it does not say why"]
            raise RunError(
                f"SLURM refuses the jobs of {self.folder.path}: {lines[-1]}. Expected settings that its cluster knows. "
                "Change run.slurm in the study file."
            ) from error
        return {cell.name: job.job_id for cell, job in zip(cells, jobs, strict=True)}

    def _is_settled(self, cell: Cell) -> bool:
        state = state_of(self.folder, cell, self.stages)
        return state.is_final or (state is CellState.FAILED and not self.retry_failed)

    def _is_waited_for(self, cell: Cell) -> bool:
        """Return whether a job or another process is about to work on a cell, or does."""
        state = state_of(self.folder, cell, self.stages)
        return not state.is_final and (state is CellState.RUNNING or self._job(cell) in self._queued)

    def _job(self, cell: Cell) -> str | None:
        try:
            found = json.loads((self.folder.jobs / f"{cell.name}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return str(found.get("job")) if isinstance(found, dict) else None
