"""Studies of commands that take no time, so that what is seen is the study itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from potbench.studies.cells import Cell, Plan
from potbench.studies.folder import StudyFolder
from potbench.studies.running.commands import Stage
from potbench.studies.study import Architecture, BudgetOfStudy, RunSettings, Study, StudyDataset, Trainings
from tests.studies import fake_command

# -S and -I: nothing is imported that it does not need
PYTHON = (sys.executable, "-I", "-S", fake_command.__file__)
STAGES = tuple(
    Stage(
        name, (*PYTHON, name, "{config}", "{run}"), tuple(leaves), (0, 1) if name == "check" else (0,), name == "cost"
    )
    for name, leaves in fake_command.LEAVES.items()
)
"""In place of the commands of potbench."""


def made_cell(architecture: str = "fast", training: int = 0, **changes: object) -> Cell:
    """A cell of a study on the dataset sample."""
    cell = Cell(
        architecture=architecture,
        dataset="sample",
        size=None,
        training=training,
        identity=f"{training:x}{len(architecture):x}" * 16,
        num_train=48,
        num_validation=16,
        steps=10,
        measures_cost=training == 0,
    )
    return replace(cell, **changes)  # type: ignore[arg-type]


def made_plan(num_trainings: int = 2, architectures: Sequence[str] = ("fast", "slower"), **changes: object) -> Plan:
    """A plan of architectures, each trained a few times."""
    cells = [made_cell(name, number) for name in architectures for number in range(num_trainings)]
    return replace(Plan(cells=tuple(cells), accelerator="cpu"), **changes)  # type: ignore[arg-type]


def made_study(**run: object) -> Study:
    """A study with these settings of its runs."""
    return Study(
        name="made",
        question="Which is faster?",
        architectures={"fast": Architecture(potential=Path("fast.yaml"), training=())},
        datasets={"sample": StudyDataset(data=Path("sample.yaml"))},
        trainings=Trainings(number=2),
        budget=BudgetOfStudy(value=10),
        metric="forces_mae",
        run=RunSettings(**run),  # type: ignore[arg-type]
    )


def order(folder: StudyFolder, cell: Cell, **stages: dict[str, object]) -> None:
    """Have the stages of a cell do something else than succeed at once; see `fake_command`."""
    folder.configs.mkdir(parents=True, exist_ok=True)
    folder.config(cell).write_text(json.dumps(stages))


def starts(folder: StudyFolder, cell: Cell) -> list[str]:
    """The stages that were started for a cell, in this order."""
    log = folder.log(cell)
    lines = log.read_text().splitlines() if log.is_file() else []
    return [line.split()[-1] for line in lines if line.startswith("begin ")]
