"""fit --budget: as many steps are planned as a time allows for, and the run is an ordinary one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from potbench.cli import fit_budget
from potbench.cli.main import main
from potbench.errors import RunError
from potbench.runs.metrics import read_curves
from potbench.runs.record import Record
from potbench.runs.step_time import StepTime
from potbench.runs.time_budget import Planned
from potbench.units import Quantity
from tests.cli.conftest import CONFIGS, QUICK, SMALL

TIME = StepTime(step=1.0, validation=0.5, start=9.0, disk=0, batches=3)
CLOSED_FORM = [
    *("--config", str(CONFIGS / "training" / "closed_form.yaml")),
    *("--model.potential", str(CONFIGS / "potential" / "sgdml.yaml")),
]
LEAST_SQUARES = [
    *("--config", str(CONFIGS / "training" / "least_squares.yaml")),
    *("--model.potential", str(CONFIGS / "potential" / "ace.yaml")),
]
BUDGET = ["--config", str(CONFIGS / "quickstart.yaml"), *SMALL]


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[dict[str, Any]]:
    """Configs of which steps were timed."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(fit_budget, "measure", lambda config, *_: found.append(config) or TIME)
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    return found


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trainer.max_epochs", "3"], r"--budget is 5min, and so is --trainer.max_epochs. Expected one of them."),
        (["--trainer.max_steps=3"], r"--budget is 5min, and so is --trainer.max_steps. Expected one of them."),
        (["--trainer.devices", "2"], r"steps are timed on one device. Expected --trainer.devices 1. Add it."),
        (CLOSED_FORM, "potbench.training.ClosedFormTask solves the potential in one pass"),
        (LEAST_SQUARES, "potbench.training.LeastSquaresTask solves the potential in one pass"),
        (["--budget", "soon"], "budget is 'soon', expected a time above zero, such as 300s, 5min, 2h or 5min CPU."),
        (["--budget", ""], "budget is '', expected a time above zero, such as 300s, 5min, 2h or 5min CPU."),
        (["--budget", "1s"], "1s are not enough for a step and a validation, which take 1 s and 0.5 s."),
    ],
)
def test_what_cannot_be_planned_is_refused(refused: Any, tmp_path: Path, arguments: list[str], said: str) -> None:
    run = tmp_path / "run"
    found = refused(["fit", *BUDGET, "--budget", "5min", *arguments, "--run_dir", str(run)])
    assert said in found
    assert not (run / "config.yaml").exists()


@pytest.mark.slow
def test_a_planned_run_is_resumed_and_repeated_with_the_steps_of_its_config(
    tmp_path: Path, measured: list[dict[str, Any]]
) -> None:
    run, again = tmp_path / "run", tmp_path / "again"
    planned = ["fit", *BUDGET, "--budget", "8s", "--run_dir", str(run)]
    assert main(planned) == 0
    trainer = yaml.safe_load((run / "config.yaml").read_text())["trainer"]
    # 6 steps, validations behind the third and the sixth: (8 - 0.25) / (1 + 0.5 / 3)
    assert (trainer["max_steps"], trainer["max_epochs"]) == (6, -1)
    record = Record.load(run)
    assert record.planned is not None
    assert record.planned.text.startswith("6 steps are planned for 8 s: a step takes 1 s, a validation 0.5 s.")
    assert record.budget is not None
    assert record.budget.steps == 6
    assert record.cost is not None
    assert record.cost.cpu_time is not None
    # steps are not timed again
    assert main([*planned, "--resume", "auto"]) == 0
    assert len(measured) == 1
    assert main(["fit", "--config", str(run / "config.yaml"), "--run_dir", str(again)]) == 0
    assert Record.load(again).planned is None
    assert read_curves(again / "metrics.csv") == read_curves(run / "metrics.csv")


@pytest.mark.parametrize("other", ["2h", "8s CPU"])
def test_a_run_that_was_planned_for_another_time_is_not_resumed(refused: Any, run_copy: Path, other: str) -> None:
    record = Record.load(run_copy)
    second = Quantity(1.0, "s")
    replace(record, planned=Planned(Quantity(8.0, "s"), 6, second, second)).save(run_copy)
    planned = ["fit", *BUDGET, "--run_dir", str(run_copy), "--resume", "auto", "--budget"]
    assert f"--budget is {other}, and the schedule of {run_copy} was planned for 8 s." in refused([*planned, other])


def test_a_run_that_was_begun_without_a_budget_keeps_its_length(refused: Any, run_copy: Path) -> None:
    config = (run_copy / "config.yaml").read_text()
    found = refused(["fit", *BUDGET, "--run_dir", str(run_copy), "--resume", "auto", "--budget", "5min"])
    assert f"{run_copy} was begun without one, with a length of its own. Expected the command that began it." in found
    assert (run_copy / "config.yaml").read_text() == config


def test_settings_in_the_environment_are_not_those_of_the_process_that_times_steps(
    refused: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(config: object, folder: object, command: object, environment: dict[str, str], label: str) -> StepTime:
        assert "POTBENCH_DATA" in environment
        assert not [name for name in environment if name.startswith("POTBENCH_FIT__")]
        raise RunError("timed")

    monkeypatch.setattr(fit_budget, "measure", timed)
    monkeypatch.setenv("POTBENCH_FIT__BUDGET", "5min")
    assert refused(["fit", *BUDGET, "--run_dir", str(tmp_path / "run")]).startswith("timed")


def test_a_run_that_is_named_keeps_its_length(refused: Any, finished_run: Path) -> None:
    assert "has a length of its own. Expected a new run" in refused(["fit", str(finished_run), "--budget", "5min"])


@pytest.mark.slow
def test_steps_are_timed_by_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    assert main(["fit", *QUICK[:-2], "--budget", "3s", "--run_dir", str(tmp_path / "run")]) == 0
    planned = Record.load(tmp_path / "run").planned
    assert planned is not None
    assert planned.steps > 1
    assert 0 < (planned.step.value or 0) < 3
