"""The cells of a study as jobs of a real SLURM: stopped ones go on, canceled ones do not."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.studies.cells import CellState
from potbench.studies.folder import StudyFolder
from potbench.studies.running.slurm import SlurmJobs
from potbench.studies.running.slurm_settings import SlurmSettings
from potbench.studies.running.state import state_of
from tests.runs.differences import differences
from tests.slurm.one_machine import OneMachine
from tests.studies.made_study import STAGES, made_plan, order, starts
from tests.studies.real_study import CHECKED, num_starts, numbers, real_study

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
pytest.importorskip("submitit")


@pytest.fixture
def cluster(slurm: OneMachine, own_python: None, monkeypatch: pytest.MonkeyPatch) -> OneMachine:
    """The cluster, found by the programs that a study calls; jobs find the tests."""
    monkeypatch.setenv("SLURM_CONF", str(slurm.conf))
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.chdir(root)
    monkeypatch.setattr("potbench.studies.running.slurm.QUEUE_PAUSE", 0.5)
    return slurm


def wait_until(holds: Callable[[], bool], folder: StudyFolder, seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not holds():
        printed = "\n".join(log.read_text() for log in [*folder.jobs.glob("*_log.*"), *folder.logs.glob("*.log")])
        assert time.monotonic() < end, printed
        time.sleep(0.05)


def test_a_job_is_queued_again_when_its_time_ends_and_numbers_are_those_of_one_that_was_not(tmp_path, cluster):
    folder, plan = real_study(tmp_path / "study", epochs=20, one_seed=True)
    stopped, unbroken = plan.cells
    jobs = SlurmJobs(folder, plan, SlurmSettings(hours=1.0), 2, False, CHECKED)
    jobs.begin(plan.cells)
    number = jobs._job(stopped)
    wait_until(folder.run(stopped).last.is_file, folder)
    cluster.command("scancel", "--signal=USR2", number)  # as SLURM does before the time limit
    wait_until(lambda: jobs.wait(0.2), folder)
    shown = cluster.command("scontrol", "--oneliner", "show", "job", number)
    assert " Restarts=1 " in shown
    assert num_starts(folder, stopped, "fit") == 2
    assert {state_of(folder, cell, CHECKED) for cell in plan.cells} == {CellState.FINISHED}
    assert not (found := differences(numbers(folder, stopped), numbers(folder, unbroken))), "\n".join(found)


def test_a_job_that_is_canceled_is_submitted_again_with_the_study_alone(tmp_path, cluster):
    folder = StudyFolder(tmp_path / "study")
    plan = made_plan(1, ["fast"])
    (cell,) = plan.cells
    folder.save_plan(plan)
    order(folder, cell, fit={"sleep": 60, "saves": True, "times": 1})
    jobs = SlurmJobs(folder, plan, SlurmSettings(), 1, False, STAGES)
    jobs.begin(plan.cells)
    wait_until(lambda: starts(folder, cell) == ["fit"] and "slurm" in folder.log(cell).read_text(), folder)
    number = jobs._job(cell)
    cluster.command("scancel", number)
    wait_until(lambda: jobs.wait(0.2), folder)
    assert state_of(folder, cell, STAGES) is CellState.INTERRUPTED
    time.sleep(3)
    assert not jobs.queued()
    again = SlurmJobs(folder, plan, SlurmSettings(), 1, False, STAGES)
    again.begin(plan.cells)
    wait_until(lambda: again.wait(0.2), folder)
    assert state_of(folder, cell, STAGES) is CellState.FINISHED
    assert starts(folder, cell).count("fit") == 2


def test_a_job_that_makes_room_for_another_goes_on(tmp_path, cluster):
    folder = StudyFolder(tmp_path / "study")
    plan = made_plan(1, ["fast"])
    (cell,) = plan.cells
    folder.save_plan(plan)
    order(folder, cell, fit={"sleep": 60, "saves": True, "times": 1})
    jobs = SlurmJobs(folder, plan, SlurmSettings(cpus=64), 1, False, STAGES)
    jobs.begin(plan.cells)
    wait_until(lambda: starts(folder, cell) == ["fit"] and "slurm" in folder.log(cell).read_text(), folder)
    cluster.command("sbatch", "--partition=high", "--exclusive", "--output=/dev/null", "--wrap=sleep 2")
    wait_until(lambda: jobs.wait(0.2), folder)
    assert state_of(folder, cell, STAGES) is CellState.FINISHED
    assert starts(folder, cell).count("fit") == 2
