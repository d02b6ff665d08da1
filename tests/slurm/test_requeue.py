"""A job that is stopped and queued again ends with the numbers of an unbroken run, in one folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.slurm.conftest import RUN, Submit, assert_same
from tests.slurm.job import Job

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
ONE_TASK = ("--nodes=1", "--ntasks-per-node=1", "--gpus-per-node=1")
TWO_TASKS = ("--nodes=1", "--ntasks-per-node=2", "--gpus-per-node=2")


def saved(run: Path) -> Callable[[], bool]:
    return (run / "checkpoints" / "last.ckpt").is_file


def test_signal_before_the_time_limit_queues_the_job_again_and_it_continues(
    tmp_path: Path, submit: Submit, unbroken: Path
) -> None:
    run = tmp_path / "run"
    job = submit("one_node.sh", run, *RUN, options=ONE_TASK)
    job.wait_until(saved(run))
    job.usr1()
    assert job.ends(), job.printed
    assert job.says("Restarts") == {"1"}
    assert job.printed.count("stopped by SIGUSR1 in epoch") == 1
    assert_same(run, unbroken)


# the one that belongs to every run of the tests
@pytest.mark.parametrize(("stop", "signal"), [(Job.usr1, "SIGUSR1"), (Job.requeue, "SIGTERM")])
def test_two_processes_stop_together_and_continue(
    stop: Callable[[Job], None], signal: str, tmp_path: Path, submit: Submit, unbroken_in_two_processes: Path
) -> None:
    run = tmp_path / "run"
    job = submit("several_nodes.sh", run, *RUN, options=TWO_TASKS)
    job.wait_until(saved(run))
    stop(job)
    assert job.ends(), job.printed
    assert job.says("Restarts") == {"1"}
    assert job.printed.count(f"stopped by {signal} in epoch") == 1
    assert_same(run, unbroken_in_two_processes)


def test_job_that_makes_room_for_another_continues_where_it_was(tmp_path: Path, submit: Submit, unbroken: Path) -> None:
    run, urgent = tmp_path / "run", tmp_path / "urgent"
    job = submit("one_node.sh", run, *RUN, options=(*ONE_TASK, "--exclusive"))
    job.wait_until(saved(run))
    options = (*ONE_TASK, "--partition=high", "--exclusive")
    other = submit("one_node.sh", urgent, *RUN, "--trainer.max_epochs", "1", options=options)
    assert other.ends(), other.printed
    assert job.ends(), job.printed
    assert job.says("Restarts") == {"1"}
    assert job.printed.count("stopped by SIGTERM in epoch") == 1
    assert_same(run, unbroken)


def test_time_limit_queues_the_job_again_and_it_continues(tmp_path: Path, submit: Submit, unbroken: Path) -> None:
    # SLURM looks at limits every half minute, and may send the signal a minute early
    run = tmp_path / "run"
    options = (*ONE_TASK, "--time=1", "--signal=USR1@10")
    pause = ("--trainer.callbacks", "[{class_path: tests.slurm.pause.Pause}]")
    job = submit("one_node.sh", run, *RUN, *pause, options=options)
    assert job.ends(), job.printed
    assert job.says("Restarts") != {"0"}
    assert job.printed.count("stopped by SIGUSR1 in epoch") >= 1
    assert_same(run, unbroken)


def test_finished_job_that_is_queued_again_changes_nothing(tmp_path: Path, submit: Submit) -> None:
    run = tmp_path / "run"
    job = submit("one_node.sh", run, *RUN, "--trainer.max_epochs", "1", options=ONE_TASK)
    assert job.ends(), job.printed
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    job.requeue()
    job.wait_until(lambda: job.says("Restarts") == {"1"})
    assert job.ends(), job.printed
    assert {file: file.read_bytes() for file in run.rglob("*") if file.is_file()} == before
