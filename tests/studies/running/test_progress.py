"""One display says how far a study is, whoever works on it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_lock import CellLock
from potbench.studies.running.progress import Progress, last_step
from tests.studies.made_study import STAGES, made_plan
from tests.studies.running.test_state import FINISHED, write


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("epoch,step,loss\n0,9,0.5\n0,19,0.4\n", 19),
        ('epoch,"step"\n0,9\n0,1', 9),  # a row that is being written
        ("epoch,step\n", None),
        ("epoch,loss\n0,1\n", None),
        ("", None),
        ("epoch,step\n" + "0,5\n" * 10_000 + "0,123456\n", 123456),
        ("epoch,step\n0,\n", None),
    ],
)
def test_the_last_step_is_that_of_the_last_whole_row(tmp_path, text, step):
    (tmp_path / "metrics.csv").write_text(text)
    assert last_step(tmp_path / "metrics.csv") == step


def test_without_metrics_there_is_no_step(tmp_path):
    assert last_step(tmp_path / "metrics.csv") is None


def shown(progress: Progress, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(progress._picture())
    return console.file.getvalue()


def test_a_terminal_shows_cells_done_and_the_steps_of_those_that_run(folder):
    plan = made_plan()
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    lock = CellLock(folder.lock(plan.cells[1]))
    with Progress(folder, plan, plan.cells, 1, STAGES, console) as progress:
        write(folder, FINISHED, plan.cells[0])
        write(folder, {}, plan.cells[1])
        folder.run(plan.cells[1]).metrics.write_text("step\n7\n")
        assert lock.claim()
        progress.update()
        picture = shown(progress)
        lock.release()
    assert "1 of 4 cells done, 1 running" in picture
    assert "fast sample training 1  fit, step 7 of 10" in picture
    assert "fast sample training 0: finished. 1 of 4 cells done" in console.file.getvalue()


def test_without_a_terminal_each_end_is_a_line_with_its_time(folder):
    plan = made_plan()
    console = Console(file=io.StringIO(), width=20)
    with Progress(folder, plan, plan.cells, 1, STAGES, console) as progress:
        progress.update()
        write(folder, {"diverged": {}}, plan.cells[2])
        progress.update()
        progress.update()
    first, second = console.file.getvalue().splitlines()
    assert first[20:] == " 0 of 4 cells done"
    assert second[20:].startswith(" slower sample training 0: diverged. 1 of 4 cells done, 1 diverged")


def test_after_a_long_silence_running_cells_are_named(folder, monkeypatch):
    monkeypatch.setattr("potbench.studies.running.progress.LONGEST_SILENCE", 0.0)
    plan = made_plan()
    console = Console(file=io.StringIO(), width=20)
    lock = CellLock(folder.lock(plan.cells[0]))
    lock.claim()
    with Progress(folder, plan, plan.cells, 1, STAGES, console) as progress:
        progress.update()
    lock.release()
    assert "fast sample training 0: fit. 0 of 4 cells done, 1 running" in console.file.getvalue()


def test_the_time_left_is_that_of_the_plan_and_then_that_of_the_cells_that_are_done(folder, monkeypatch):
    from dataclasses import replace

    now = 1000.0
    monkeypatch.setattr("potbench.studies.running.progress.time.monotonic", lambda: now)
    plan = made_plan()
    # the first two take a quarter as long as the last two
    cells = [replace(cell, seconds=25.0 if number < 2 else 100.0) for number, cell in enumerate(plan.cells)]
    console = Console(file=io.StringIO(), width=200)
    with Progress(folder, plan, cells, 2, STAGES, console) as progress:
        assert "about 0:02:05 left" in shown(progress)
        now = 1050.0  # twice as slow as planned
        write(folder, FINISHED, cells[0])
        progress.update()
        assert "about 0:07:30 left" in shown(progress)
        now = 1060.0
        assert "about 0:07:20 left" in shown(progress)


def test_without_a_plan_the_time_left_is_not_known_before_a_cell_is_done(folder):
    plan = made_plan()
    with Progress(folder, plan, plan.cells, 1, STAGES, Console(file=io.StringIO())) as progress:
        assert "left" not in shown(progress)
        write(folder, FINISHED, plan.cells[0])
        progress.update()
        assert "left" in shown(progress)


def test_a_large_study_is_looked_at_less_often(folder, monkeypatch):
    plan = made_plan()
    with Progress(folder, plan, plan.cells, 1, STAGES, Console(file=io.StringIO())) as progress:
        progress.update()
        assert progress.interval == 1.0
        monkeypatch.setattr("potbench.studies.running.progress.LARGEST_SHARE", 1e-9)
        progress.update()
        assert progress.interval > 1.0
