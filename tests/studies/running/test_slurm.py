"""Cells as jobs: submitit's own executor for one machine stands for SLURM."""

from __future__ import annotations

import io
import os
import re
import signal
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from potbench.errors import MissingPackageError, PotbenchError, RunError
from potbench.studies.cells import CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_job import CellJob, queue_again
from potbench.studies.running.cell_lock import CellLock
from potbench.studies.running.cell_run import CellRun
from potbench.studies.running.launch import StudyResult, run_study
from potbench.studies.running.slurm import SlurmJobs
from potbench.studies.running.slurm_settings import SlurmSettings
from potbench.studies.running.state import state_of
from tests.studies.made_study import STAGES, made_plan, made_study, order, starts
from tests.studies.running.test_launch import wait_until_fit

submitit = pytest.importorskip("submitit")


class OnThisMachine(SlurmJobs):
    """Submits jobs to this machine; the queue holds those that run."""

    submitted: list[Any]

    def executor(self) -> Any:
        self.submitted = []
        self.queue_pause = 0.1
        executor = submitit.AutoExecutor(self.folder.jobs, cluster="local")
        process = executor._internal_process_submissions

        def remember(delayed: Any) -> Any:
            jobs = process(delayed)
            self.submitted += jobs
            return jobs

        executor._internal_process_submissions = remember
        return executor

    def queued(self) -> set[str]:
        return {job.job_id for job in self.submitted if not job.done()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StudyFolder:
    monkeypatch.setattr("potbench.studies.running.launch.SlurmJobs", OnThisMachine)
    monkeypatch.setattr("potbench.studies.running.progress.INTERVAL", 0.1)
    # of the job in which the study is run, perhaps
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    root = str(Path(__file__).parents[3])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    return StudyFolder(tmp_path / "study")


def run(folder: StudyFolder, plan: Plan, retry_failed: bool = False) -> StudyResult:
    folder.save_plan(plan)
    console = Console(file=io.StringIO())
    study = made_study(where="slurm", at_once=2, slurm={"hours": 0.1})
    return run_study(folder, plan, study, (), retry_failed, STAGES, console)


def test_jobs_take_cells_through_their_stages_and_their_commands_are_no_tasks(folder):
    plan = made_plan(1, threads=2)
    order(folder, plan.cells[1], test={"status": 3})
    result = run(folder, plan)
    assert result.counts == {CellState.FINISHED: 1, CellState.FAILED: 1}
    assert starts(folder, plan.cells[0]) == ["fit", "test", "cost", "check"]
    log = folder.log(plan.cells[0]).read_text()
    assert "threads 2 2" in log
    assert "slurm []" in log
    assert (folder.jobs / f"{plan.cells[0].name}.json").is_file()
    assert run(folder, plan).counts == result.counts
    order(folder, plan.cells[1])
    assert run(folder, plan, retry_failed=True).is_complete
    assert starts(folder, plan.cells[1]).count("fit") == 1


def test_a_checkpoint_reaches_the_command_and_the_job_is_queued_again(folder):
    plan = made_plan(1, ["fast"])
    (cell,) = plan.cells
    order(folder, cell, fit={"sleep": 60, "saves": True, "times": 1})
    folder.save_plan(plan)
    jobs = OnThisMachine(folder, plan, SlurmSettings(hours=0.1), 1, False, STAGES)
    jobs.begin(plan.cells)
    end = time.monotonic() + 60
    while not (found := re.search(r"job (\d+)", folder.log(cell).read_text() if folder.log(cell).is_file() else "")):
        assert time.monotonic() < end
        time.sleep(0.02)
    os.kill(int(found[1]), signal.SIGUSR2)  # as SLURM does before the time limit
    while not jobs.wait(0.1):
        assert time.monotonic() < end
    assert state_of(folder, cell, STAGES) is CellState.FINISHED
    assert starts(folder, cell).count("fit") == 2
    assert "end fit" in folder.log(cell).read_text()


def test_a_checkpoint_waits_until_the_command_has_saved(folder):
    plan = made_plan(1, ["fast"])
    (cell,) = plan.cells
    order(folder, cell, fit={"sleep": 60, "saves": True})
    job = CellJob(folder.path, cell.name, STAGES)
    job._run = CellRun(folder, plan, cell, STAGES)
    working = threading.Thread(target=job._run.run)
    working.start()
    wait_until_fit(folder, plan, 1)
    delayed = job.checkpoint()
    assert "saved" in folder.log(cell).read_text()
    assert delayed.function.__dict__ == {**job.__dict__, "_run": None}
    working.join()


def test_a_job_waits_for_a_cell_that_another_process_works_on(folder):
    plan = made_plan(1, ["fast"])
    (cell,) = plan.cells
    folder.save_plan(plan)
    jobs = OnThisMachine(folder, plan, SlurmSettings(hours=0.1), 1, False, STAGES)
    jobs.begin(plan.cells)
    lock = CellLock(folder.lock(cell))
    assert lock.claim()
    for _ in range(15):
        assert not jobs.wait(0.1)
    assert starts(folder, cell) == []
    lock.release()
    while not jobs.wait(0.1):
        pass
    assert state_of(folder, cell, STAGES) is CellState.FINISHED


def test_a_job_whose_cell_is_planned_no_more_says_so(folder):
    folder.save_plan(made_plan(1))
    with pytest.raises(RunError, match=r"has no cell gone-t0, since it was planned anew\. Compare again\.$"):
        CellJob(folder.path, "gone-t0", STAGES)()


def test_cells_in_the_queue_are_not_submitted_again(folder, monkeypatch):
    plan = made_plan(1)
    jobs = OnThisMachine(folder, plan, SlurmSettings(), 1, False, STAGES)
    submitted: list[str] = []

    def submit(executor: object, cells: Any) -> dict[str, str]:
        submitted.extend(cell.name for cell in cells)
        return {cell.name: str(len(submitted)) for cell in cells}

    monkeypatch.setattr(jobs, "_submit", submit)
    monkeypatch.setattr(jobs, "queued", lambda: set())
    jobs.begin(plan.cells[:1])
    monkeypatch.setattr(jobs, "queued", lambda: {"1"})
    jobs.begin(plan.cells)
    assert submitted == [cell.name for cell in plan.cells]
    monkeypatch.setattr(jobs, "queued", lambda: None)  # SLURM is too busy to answer
    jobs._looked = -1e9
    assert not jobs.wait(0)
    monkeypatch.setattr(jobs, "queued", lambda: set())
    jobs._looked = -1e9
    assert jobs.wait(0)


PROGRAM = """#!{python}
import os, sys
name = os.path.basename(sys.argv[0])
with open({log!r}, "a") as stream:
    print(name, *sys.argv[1:], file=stream)
if name == "sbatch":
    print(open(sys.argv[1]).read(), file=open({log!r}, "a"))
    print({answer!r}, file=sys.stderr if {status} else sys.stdout)
elif name == "squeue":
    print({state!r})
sys.exit({status})
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Programs with the names of SLURM's, which write down their arguments."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()

    def make(state: str = "RUNNING", answer: str = "Submitted batch job 17", status: int = 0) -> Path:
        log = tmp_path / "called.txt"
        for name in ("sbatch", "squeue", "scontrol", "srun"):
            program = tmp_path / "bin" / name
            program.write_text(
                PROGRAM.format(python=sys.executable, log=str(log), state=state, answer=answer, status=status)
            )
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return log

    return make


def test_settings_reach_sbatch_and_the_number_of_the_job_is_kept(tmp_path, slurm):
    log = slurm(state="")
    folder = StudyFolder(tmp_path / "study")
    plan = made_plan(1, threads=3)
    settings = SlurmSettings(
        hours=1.5, gpus=1, memory=8.0, partition="long", account="me", qos="high", constraint="a100", setup=("load x",)
    )
    SlurmJobs(folder, plan, settings, 4, False, STAGES).begin(plan.cells)
    asked = log.read_text()
    for line in (
        *("--time=90", "--cpus-per-task=3", "--gpus-per-node=1", "--mem=8GB", "--partition=long", "--account=me"),
        *("--qos=high", "--constraint=a100", "--array=0-1%2", "--ntasks-per-node=1", "--signal=USR2@90"),
    ):
        assert f"#SBATCH {line}\n" in asked, line
    assert "\nload x\n" in asked
    assert (folder.jobs / f"{plan.cells[1].name}.json").read_text() == '{"job": "17_1"}\n'


def test_jobs_that_slurm_refuses_are_refused_with_its_words(tmp_path, slurm):
    slurm(answer="sbatch: error: invalid partition specified: nowhere", status=1)
    plan = made_plan(1)
    said = "/study: sbatch: error: invalid partition specified: nowhere. Expected settings that its cluster knows"
    with pytest.raises(RunError, match=said):
        SlurmJobs(StudyFolder(tmp_path / "study"), plan, SlurmSettings(), 1, False, STAGES).begin(plan.cells)


def test_without_slurm_the_place_of_the_runs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PotbenchError, match=r"run\.where is slurm, and there is no srun on the PATH"):
        SlurmJobs(StudyFolder(tmp_path), made_plan(), SlurmSettings(), 1, False, STAGES).begin(())


def test_without_submitit_it_is_said_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'potbench\[slurm\]'"):
        SlurmJobs(StudyFolder(tmp_path), made_plan(), SlurmSettings(), 1, False, STAGES).begin(())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"partitoin": "long"}, "run.slurm.partitoin is no setting of a job. Did you mean partition? Expected some of"),
        ({"hours": "two"}, "run.slurm.hours is 'two', expected a valid number"),
        ({"cpus": 1.5}, "run.slurm.cpus is 1.5, expected a valid integer"),
        ({"hours": 0}, "run.slurm.hours is 0.0, expected more than 0."),
        ({"memory": -1.0}, "run.slurm.memory is -1.0, expected more than 0."),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, said):
    with pytest.raises(PotbenchError) as refused:
        SlurmSettings.of(settings)
    assert said in str(refused.value)


def test_settings_are_read_with_their_types():
    assert SlurmSettings.of({"hours": 2, "gpus": 1, "setup": ["module load cuda"]}) == SlurmSettings(
        hours=2.0, gpus=1, setup=("module load cuda",)
    )


@pytest.mark.parametrize(("state", "is_queued"), [("RUNNING", True), ("COMPLETING", False), ("", False)])
def test_a_job_that_was_canceled_is_not_queued_again(slurm, monkeypatch, state, is_queued):
    log = slurm(state)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    queue_again()
    assert ("scontrol requeue 17" in log.read_text()) == is_queued


def test_outside_of_slurm_nothing_is_queued(slurm, monkeypatch):
    log = slurm()
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    queue_again()
    assert not log.exists()
