"""Runs in the places of cells: their own, or copies of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from potbench.errors import RunError
from potbench.studies.folder import StudyFolder
from potbench.studies.running.own_run import not_own, require_own_runs
from tests.studies.made_study import made_cell

CELL, OTHER = made_cell(), made_cell(training=1)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = StudyFolder(tmp_path)
    for cell in (CELL, OTHER):
        write(found.config(cell), config(cell.training))
    return found


def config(seed: int, rate: float = 1e-3, **trainer: object) -> dict[str, Any]:
    schedule = {"class_path": "potbench.training.OneCycle", "init_args": {"max_lr": rate}}
    return {
        "seed_everything": seed,
        "allow": [],
        "trainer": {"max_steps": 10, "max_time": None, "accelerator": "cpu", **trainer},
        "model": {"class_path": "potbench.training.Task", "init_args": {"schedule": schedule}},
        "data": {"class_path": "potbench.loading.DataModule", "init_args": {"root": "/here", "batch_size": 8}},
    }


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))


@pytest.mark.parametrize(
    "found", [None, config(0), config(0, accelerator="gpu", devices=4), {**config(0), "allow": ["own"]}, "{", "[]"]
)
def test_its_own_run_is_taken_wherever_it_was_trained_and_what_is_damaged_is_left_to_others(
    folder: StudyFolder, found: object
) -> None:
    if found is not None:
        write(folder.run(CELL).config, found)
    assert not_own(folder, CELL) == ""
    require_own_runs(folder, [CELL, OTHER])


@pytest.mark.parametrize(
    ("found", "differs"),
    [
        (config(1), "seed_everything is 1 and not 0"),
        (config(0, rate=0.03), "model.schedule.max_lr is 0.03 and not 0.001"),
        (config(0, max_steps=20), "trainer.max_steps is 20 and not 10"),
        (config(0, max_epochs=2, min_epochs=1, precision="64-true", max_steps=9), "trainer.max_steps is 9 .* …"),
    ],
)
def test_the_run_of_another_training_is_refused_with_what_differs(
    folder: StudyFolder, found: dict[str, Any], differs: str
) -> None:
    write(folder.run(CELL).config, found)
    with pytest.raises(RunError, match=rf"fast sample training 0 in .* \({differs}\) is that of another training"):
        require_own_runs(folder, [OTHER, CELL])
