"""How far a cell has come is read from files alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from potbench.runs.lock import RunLock
from potbench.runs.record import Diverged
from potbench.studies.cells import CellState
from potbench.studies.folder import StudyFolder
from potbench.studies.running.cell_lock import CellLock, is_held
from potbench.studies.running.commands import STAGES, environment, stages_asked_for, stages_of
from potbench.studies.running.state import next_stage, state_of
from tests.reporting.predictions import make_predictions
from tests.runs.small_record import small_record
from tests.studies.made_study import made_cell, made_plan, made_study

CELL = made_cell(measures_cost=True)
TRAINED: dict[str, Any] = {"budget": {"steps": 10}, "metrics": {"validation": {}}}
TESTED = {**TRAINED, "metrics": {"validation": {}, "test": {"energy_mae": {}}}}
FINISHED = {**TESTED, "inference": {}, "laws": []}


PREDICTIONS = make_predictions(2)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path)


def write(folder: StudyFolder, record: object, cell=CELL) -> None:
    run = folder.run(cell)
    run.create()
    run.config.write_text("{}")
    with run.predictions.open("wb") as stream:
        np.savez(stream, **PREDICTIONS)
    run.record.write_text(record if isinstance(record, str) else json.dumps(record))


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({}, CellState.INTERRUPTED),
        (TRAINED, CellState.TRAINED),
        (TESTED, CellState.TESTED),
        ({**TESTED, "inference": {}}, CellState.TESTED),
        ({**TESTED, "laws": []}, CellState.TESTED),
        (FINISHED, CellState.FINISHED),
        ({"diverged": {"epoch": 1}}, CellState.DIVERGED),
        ({**FINISHED, "budget": None, "diverged": {"epoch": 1}}, CellState.DIVERGED),
        ('{"budget": {}, "metr', CellState.INTERRUPTED),
        ("[]", CellState.INTERRUPTED),
        ({**TRAINED, "metrics": 3}, CellState.TRAINED),
    ],
)
def test_the_record_says_how_far_a_cell_has_come(folder, record, state):
    write(folder, record)
    assert state_of(folder, CELL) is state


def test_a_cell_without_a_run_is_planned_and_one_without_a_record_interrupted(folder):
    assert state_of(folder, CELL) is CellState.PLANNED
    folder.run(CELL).create()
    assert state_of(folder, CELL) is CellState.PLANNED
    folder.run(CELL).config.write_text("{}")
    assert state_of(folder, CELL) is CellState.INTERRUPTED


def test_a_cell_whose_predictions_are_gone_is_tested_again(folder):
    write(folder, FINISHED)
    folder.run(CELL).predictions.unlink()
    assert state_of(folder, CELL) is CellState.TRAINED
    assert next_stage(folder, CELL) is STAGES[1]
    write(folder, {"diverged": {"epoch": 1}})
    folder.run(CELL).predictions.unlink()
    assert state_of(folder, CELL) is CellState.DIVERGED  # and never had any


def test_a_cell_whose_predictions_are_damaged_is_tested_again(folder):
    write(folder, FINISHED)
    assert state_of(folder, CELL) is CellState.FINISHED
    file = folder.run(CELL).predictions
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert state_of(folder, CELL) is CellState.TRAINED
    assert next_stage(folder, CELL) is STAGES[1]
    file.write_bytes(whole)
    assert state_of(folder, CELL) is CellState.FINISHED


def test_records_as_they_are_written_are_understood(folder):
    record = replace(small_record(), diverged=None, inference=None, laws=None)
    write(folder, record.to_json())
    assert state_of(folder, CELL) is CellState.TESTED
    write(folder, replace(record, budget=None, metrics={}).to_json())
    assert state_of(folder, CELL) is CellState.INTERRUPTED
    write(folder, replace(record, laws=()).to_json())
    assert state_of(folder, made_cell(measures_cost=False)) is CellState.FINISHED
    write(folder, replace(record, diverged=Diverged(1, 2, "too high")).to_json())
    assert state_of(folder, CELL) is CellState.DIVERGED


def test_cost_is_asked_for_only_of_the_cells_with_which_it_is_measured(folder):
    write(folder, {**TESTED, "laws": []}, cell := made_cell(measures_cost=False))
    assert state_of(folder, cell) is CellState.FINISHED
    assert [stage.name for stage in stages_of(cell)] == ["fit", "test", "check"]


def test_commands_name_the_checkpoint_that_a_run_stands_for_and_the_machine_of_the_plan(folder):
    plan = made_plan(threads=2, accelerator="cpu")
    cost, check = STAGES[2:]
    run = folder.run(CELL)
    assert check.words(folder, plan, CELL)[3:] == ["check", str(run.path), "--ckpt_path", "best"]
    run.checkpoints.mkdir(parents=True)
    run.last.touch()
    assert cost.words(folder, plan, CELL)[3:] == [
        *("cost", str(run.path), "--ckpt_path", "last", "--threads", "2", "--accelerator", "cpu")
    ]


def test_what_a_study_does_not_examine_is_not_asked_for():
    from potbench.studies.study import Examine

    study = made_study()
    assert stages_asked_for(study) == STAGES
    study = replace(study, examine=Examine(cost=False, laws=False))
    assert [stage.name for stage in stages_asked_for(study)] == ["fit", "test"]
    study = replace(study, run=replace(study.run, allow=("mine", "yours")))
    assert all(stage.command[-3:] == ("--allow", "mine", "yours") for stage in stages_asked_for(study))


def test_an_examination_counts_in_the_mode_that_is_asked_for(folder):
    from potbench.studies.study import Examine

    study = replace(made_study(), examine=Examine(cost=False, laws=False, work="fast"))
    stages = stages_asked_for(study)
    assert stages[-1].words(folder, made_plan(), CELL)[3:] == [
        *("examine", str(folder.run(CELL).path), "--ckpt_path", "best", "--mode", "fast")
    ]
    assert 1 in stages[-1].statuses  # what fails is a result
    for mode, state in (("dev", CellState.TESTED), ("fast", CellState.FINISHED)):
        write(folder, {**TESTED, "examined": [{"protocol": "nve", "mode": mode}]})
        assert state_of(folder, CELL, stages) is state


def test_a_failed_cell_has_an_error_file_and_no_result(folder):
    write(folder, TRAINED)
    folder.errors.mkdir()
    folder.error(CELL).write_text("why")
    assert state_of(folder, CELL) is CellState.FAILED
    write(folder, FINISHED)
    assert state_of(folder, CELL) is CellState.FINISHED


def test_a_cell_is_running_while_its_lock_or_that_of_its_run_is_held(folder):
    write(folder, TRAINED)
    lock = CellLock(folder.lock(CELL))
    assert lock.claim()
    assert state_of(folder, CELL) is CellState.RUNNING
    assert not CellLock(folder.lock(CELL)).claim()
    lock.release()
    assert state_of(folder, CELL) is CellState.TRAINED
    of_run = RunLock(folder.run(CELL))
    of_run.claim()
    assert state_of(folder, CELL) is CellState.RUNNING
    of_run.release()
    assert state_of(folder, CELL) is CellState.TRAINED


def test_to_ask_changes_nothing(folder):
    write(folder, TRAINED)
    before = sorted(folder.path.rglob("*"))
    state_of(folder, CELL)
    assert not is_held(folder.lock(CELL))
    assert sorted(folder.path.rglob("*")) == before


def test_a_lock_that_cannot_be_opened_is_taken_to_be_free(folder):
    folder.lock(CELL).mkdir(parents=True)
    assert not is_held(folder.lock(CELL))
    folder.lock(CELL).rmdir()
    folder.lock(CELL).symlink_to("nowhere")  # filelock opens none
    folder.lock(CELL).with_name("nowhere").touch()
    assert not is_held(folder.lock(CELL))


def test_the_next_stage_is_the_first_whose_result_is_missing(folder):
    for record, expected in [({}, "fit"), (TRAINED, "test"), (TESTED, "cost"), ({**TESTED, "inference": {}}, "check")]:
        write(folder, record)
        found = next_stage(folder, CELL)
        assert found is not None
        assert found.name == expected
    write(folder, FINISHED)
    assert next_stage(folder, CELL) is None


def test_commands_have_their_threads_and_are_no_tasks_of_a_job(monkeypatch):
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "4")
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    monkeypatch.setenv("KEPT", "yes")
    found = environment(3)
    assert found["OMP_NUM_THREADS"] == found["MKL_NUM_THREADS"] == "3"
    assert found["KEPT"] == "yes"
    assert not [name for name in found if name.startswith(("SLURM_", "SUBMITIT_"))]


def test_five_hundred_cells_are_looked_at_in_two_seconds(folder):
    plan = made_plan(100, ["a", "bb", "ccc", "dddd", "eeeee"])
    text = replace(small_record(), diverged=None, inference=None, laws=None).to_json()
    for cell in plan.cells:
        write(folder, text, cell)
        folder.lock(cell).parent.mkdir(exist_ok=True)
        folder.lock(cell).touch()
    begin = time.monotonic()
    states = [state_of(folder, cell) for cell in plan.cells]
    assert time.monotonic() - begin < 2
    assert set(states) == {CellState.TESTED}
