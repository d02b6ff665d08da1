"""A study runs each of its cells once, whatever becomes of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from potbench.errors import RunError
from potbench.studies.cells import CellState, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_run import CellRun
from potbench.studies.running.cost_cells import with_cost_measured
from potbench.studies.running.launch import StudyResult, run_study
from potbench.studies.running.progress import Progress
from potbench.studies.running.state import state_of
from potbench.studies.running.workers import LocalWorkers
from tests.studies.made_study import STAGES, made_plan, made_study, order, starts
from tests.studies.real_study import start

ALL = ["fit", "test", "cost", "check"]


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "study")


def run(folder: StudyFolder, plan: Plan, *, only: tuple[str, ...] = (), retry_failed: bool = False, **settings: object):
    console = Console(file=io.StringIO(), width=200)
    result = run_study(folder, plan, made_study(**settings), only, retry_failed, STAGES, console)
    return result, console.file.getvalue()


def most_at_once(folder: StudyFolder, plan: Plan) -> int:
    """How many cells were worked on at the same time, by the times of their files."""
    begins = [(folder.run(cell).path / "fit.starts").stat().st_mtime for cell in plan.cells]
    ends = [folder.log(cell).stat().st_mtime for cell in plan.cells]
    return max(sum(b <= begin < end for b, end in zip(begins, ends, strict=True)) for begin in begins)


def test_each_cell_goes_through_the_stages_that_it_lacks_and_is_not_run_again(folder):
    plan = made_plan(threads=3)
    result, said = run(folder, plan)
    assert result.counts == {CellState.FINISHED: 4}
    assert result.is_complete
    for cell in plan.cells:
        assert starts(folder, cell) == [stage for stage in ALL if stage != "cost" or cell.measures_cost]
        assert "threads 3 3" in folder.log(cell).read_text()
    assert "4 of 4 cells done" in said
    before = {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()}
    run(folder, plan)
    assert {file: file.read_bytes() for file in folder.path.rglob("*") if file.is_file()} == before


def test_cells_are_run_in_the_order_of_the_plan(folder):
    plan = made_plan()
    run(folder, plan)
    began = [folder.log(cell).stat().st_mtime_ns for cell in plan.cells]
    assert began == sorted(began)


def test_as_many_cells_run_at_once_as_the_study_says(folder):
    plan = made_plan()
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 0.5})
    run(folder, plan, at_once=3)
    assert most_at_once(folder, plan) == 3


def test_a_failed_cell_is_reported_and_the_study_goes_on(folder):
    plan = made_plan()
    order(folder, plan.cells[1], test={"status": 3})
    result, said = run(folder, plan)
    assert result.counts == {CellState.FINISHED: 3, CellState.FAILED: 1}
    assert result.failed == (plan.cells[1].label,)
    assert not result.is_complete
    error = folder.error(plan.cells[1]).read_text()
    assert error.startswith("fast sample training 1 failed in test: it ended with status 3.\nCommand: ")
    assert error.endswith("\nend test\n")
    assert "begin fit" not in error  # of the failed command alone
    assert "fast sample training 1: failed (in test: it ended with status 3; see " in said


def test_a_failed_cell_is_tried_again_as_often_as_the_plan_says(folder):
    plan = made_plan(1, ["fast", "slower"], retries=2)
    order(folder, plan.cells[0], fit={"status": 3, "times": 2})
    order(folder, plan.cells[1], test={"status": 3})
    result, _ = run(folder, plan)
    assert starts(folder, plan.cells[0]) == ["fit", "fit", *ALL]
    assert starts(folder, plan.cells[1]) == ["fit", "test", "test", "test"]
    assert result.counts == {CellState.FINISHED: 1, CellState.FAILED: 1}
    assert "in the last of 3 tries" in folder.error(plan.cells[1]).read_text()


def test_cells_that_failed_earlier_are_run_again_only_when_that_is_asked_for(folder):
    plan = made_plan(1, ["fast"])
    order(folder, plan.cells[0], fit={"status": 3, "times": 1})
    run(folder, plan)
    result, _ = run(folder, plan)
    assert result.counts == {CellState.FAILED: 1}
    assert starts(folder, plan.cells[0]) == ["fit"]
    result, _ = run(folder, plan, retry_failed=True)
    assert result.counts == {CellState.FINISHED: 1}
    assert not folder.error(plan.cells[0]).exists()


def test_a_cell_that_fails_again_is_run_once_in_each_study(folder):
    plan = made_plan(1, ["fast"])
    order(folder, plan.cells[0], fit={"status": 3})
    run(folder, plan)
    run(folder, plan, retry_failed=True)
    assert starts(folder, plan.cells[0]) == ["fit", "fit"]


def test_a_command_that_leaves_nothing_has_failed_and_a_broken_law_has_not(folder):
    plan = made_plan(1, ["fast", "slower"])
    order(folder, plan.cells[0], test={"leaves": None})
    order(folder, plan.cells[1], check={"status": 1})
    result, _ = run(folder, plan)
    assert result.counts == {CellState.FAILED: 1, CellState.FINISHED: 1}
    said = "it ended with status 0 and left no metrics test in the record"
    assert said in folder.error(plan.cells[0]).read_text()


def test_a_training_that_diverged_is_a_result(folder):
    plan = made_plan(1, ["fast"], retries=1)
    order(folder, plan.cells[0], fit={"status": 2, "diverges": True})
    result, said = run(folder, plan)
    assert result.counts == {CellState.DIVERGED: 1}
    assert result.is_complete
    assert starts(folder, plan.cells[0]) == ["fit"]
    assert not folder.error(plan.cells[0]).exists()
    assert "1 of 1 cells done, 1 diverged" in said


def test_where_the_training_that_measures_cost_diverges_the_next_takes_its_place(folder):
    plan = made_plan(4)
    folder.save_plan(plan)
    measured, second, third, _ = plan.cells[:4]
    for cell in (measured, second):
        order(folder, cell, fit={"status": 2, "diverges": True})
    result, _ = run(folder, plan)
    assert result.counts == {CellState.DIVERGED: 2, CellState.FINISHED: 6}
    assert starts(folder, third) == ["fit", "test", "check", "cost"]
    assert [cell for cell in plan.cells if "cost" in starts(folder, cell)] == [third, plan.cells[4]]
    stored = folder.load_plan()
    assert [cell.label for cell in stored.cells if cell.measures_cost] == [third.label, plan.cells[4].label]
    assert with_cost_measured(folder, plan) == with_cost_measured(folder, stored) == stored


def test_a_command_that_somebody_ended_is_not_taken_for_a_failure(folder):
    plan = made_plan(1, ["fast", "slower"])
    order(folder, plan.cells[0], fit={"status": 143, "times": 1})
    result, _ = run(folder, plan)
    assert result.counts == {CellState.INTERRUPTED: 1, CellState.FINISHED: 1}
    assert result.unfinished == (plan.cells[0].label,)
    result, _ = run(folder, plan)
    assert result.is_complete


def test_only_chosen_cells_are_run_and_a_text_of_no_cell_is_refused(folder):
    plan = made_plan()
    result, _ = run(folder, plan, only=("slower",))
    assert result.counts == {CellState.FINISHED: 2}
    assert not folder.log(plan.cells[0]).exists()
    with pytest.raises(RunError, match="No cell of the study has 'slowest' in its label"):
        run(folder, plan, only=("slowest",))


def test_a_cell_that_failed_in_another_study_in_the_meantime_is_not_run_again(folder, monkeypatch):
    plan = made_plan(1, ["fast"])
    order(folder, plan.cells[0], fit={"status": 3})
    workers = LocalWorkers(folder, plan, stages=STAGES)
    claim = CellRun.claim

    def claim_later(self: CellRun) -> bool:
        monkeypatch.setattr(CellRun, "claim", claim)
        run(folder, plan)
        return claim(self)

    monkeypatch.setattr(CellRun, "claim", claim_later)
    workers.begin(plan.cells)
    while not workers.wait(1.0):
        pass
    assert starts(folder, plan.cells[0]) == ["fit"]


def test_two_at_the_same_time_share_the_work(folder):
    plan = made_plan(4)
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 0.2})
    results: list[StudyResult] = []
    both = [threading.Thread(target=lambda: results.append(run(folder, plan)[0])) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert most_at_once(folder, plan) == 2
    assert [result.counts for result in results] == [{CellState.FINISHED: 8}] * 2
    assert all(starts(folder, cell).count("fit") == 1 for cell in plan.cells)


def test_what_cannot_be_written_ends_the_study_with_its_reason(folder):
    plan = made_plan()
    order(folder, plan.cells[1], fit={"sleep": 3.0})
    folder.log(plan.cells[2]).mkdir(parents=True)  # a folder where the log should be
    with pytest.raises(OSError, match=plan.cells[2].name):
        run(folder, plan, at_once=2)
    assert starts(folder, plan.cells[1]) == ["fit", "test", "check"]
    assert starts(folder, plan.cells[3]) == []


def test_what_goes_wrong_with_the_display_ends_the_commands_too(folder, monkeypatch):
    plan = made_plan()
    order(folder, plan.cells[0], fit={"sleep": 60, "saves": True})

    def fail(self: Progress) -> None:
        wait_until_fit(folder, plan, 1)
        raise BrokenPipeError

    monkeypatch.setattr(Progress, "update", fail)
    with pytest.raises(BrokenPipeError):
        run(folder, plan)
    end = time.monotonic() + 10
    while state_of(folder, plan.cells[0], STAGES) is not CellState.INTERRUPTED:
        assert time.monotonic() < end
        time.sleep(0.02)
    time.sleep(1.5)
    assert starts(folder, plan.cells[1]) == []


def wait_until_fit(folder: StudyFolder, plan: Plan, number: int) -> None:
    """Wait until the first cells are trained."""
    end = time.monotonic() + 60
    logs = [folder.log(cell) for cell in plan.cells[:number]]
    while not all(log.is_file() and "slurm" in log.read_text() for log in logs):
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGTERM, 143, "SIGTERM"),
        pytest.param(signal.SIGINT, 130, "Ctrl-C", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 143, "SIGTERM", marks=pytest.mark.slow),
    ],
)
def test_a_signal_reaches_the_commands_and_the_study_says_how_to_go_on(folder, number, status, said):
    plan = made_plan()
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 60, "saves": True})
    folder.save_plan(plan)
    process = start(folder, STAGES, at_once=2)
    wait_until_fit(folder, plan, 2)
    os.killpg(process.pid, number)  # as a terminal does
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == status, printed
    assert f"stopped by {said} with 0 of 4 cells done." in printed
    assert "Run the same command again to go on." in printed
    for cell in plan.cells[:2]:
        log = folder.log(cell).read_text()
        assert log.count("asked by") == log.count("saved") == 1  # not twice: then nothing would be saved
    assert [state_of(folder, cell, STAGES) for cell in plan.cells[:2]] == [CellState.INTERRUPTED] * 2
    assert [state_of(folder, cell, STAGES) for cell in plan.cells[2:]] == [CellState.PLANNED] * 2
    for cell in plan.cells:
        order(folder, cell)
    result, _ = run(folder, plan)
    assert result.is_complete


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere commands go on")
def test_the_commands_of_a_study_that_is_killed_are_asked_to_end(folder):
    plan = made_plan()
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 60, "saves": True})
    folder.save_plan(plan)
    process = start(folder, STAGES, at_once=2)
    wait_until_fit(folder, plan, 2)
    process.kill()
    process.communicate()
    end = time.monotonic() + 10
    while any(state_of(folder, cell, STAGES) is CellState.RUNNING for cell in plan.cells):
        assert time.monotonic() < end
        time.sleep(0.02)
    for cell in plan.cells:
        order(folder, cell)
    result, _ = run(folder, plan)
    assert result.is_complete


def test_after_a_kill_the_next_one_waits_for_commands_that_do_not_end_and_takes_their_results(folder):
    plan = made_plan()
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 1.0, "ignores": True})
    folder.save_plan(plan)
    process = start(folder, STAGES, at_once=2)
    wait_until_fit(folder, plan, 2)
    process.kill()
    process.communicate()
    assert [state_of(folder, cell, STAGES) for cell in plan.cells[:2]] == [CellState.RUNNING] * 2
    result, _ = run(folder, plan)
    assert result.is_complete
    assert all(starts(folder, cell).count("fit") == 1 for cell in plan.cells)


class Timed(subprocess.Popen[bytes]):
    """A process that adds its time to that of all."""

    seconds = 0.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.begin = time.monotonic()
        super().__init__(*arguments, **named)

    def wait(self, timeout: float | None = None) -> int:
        status = super().wait(timeout)
        Timed.seconds += time.monotonic() - self.begin
        return status


@pytest.mark.slow
def test_the_study_adds_little_to_its_commands(folder, monkeypatch):
    plan = made_plan(3, ["a", "bb", "ccc", "dddd", "eeeee"])
    for cell in plan.cells:
        order(folder, cell, fit={"sleep": 0.1})
    monkeypatch.setattr("potbench.studies.running.cell_run.subprocess.Popen", Timed)
    begin = time.monotonic()
    run(folder, plan)
    took = time.monotonic() - begin
    assert Timed.seconds > 15 * 0.1
    assert took < 1.1 * Timed.seconds, f"{took:.2f} s for {Timed.seconds:.2f} s of commands"
