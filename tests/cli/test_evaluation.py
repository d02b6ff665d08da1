"""validate and test: what they change in the folder of a run, and what they leave as it is."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from potbench.cli.main import main
from potbench.runs.record import Record
from potbench.training import Task
from tests.cli.conftest import QUICK
from tests.runs.small_run import contents


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of a finished run that may be changed."""
    shutil.copytree(finished_run, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["test", "RUN", "--ckpt_path", "last"], "test_last_"),
        (["test", "RUN", "--ckpt_path", "OTHER"], "test_other_"),
        (["test", "RUN", "--trainer.precision", "64-true"], "test_best_"),
        (["test", "RUN", "--trainer.limit_test_batches", "1"], "test_best_"),
        (["test", "RUN", "--model.loss.init_args.forces", "3"], "test_best_"),
        (["test", "RUN", "--data.reference_energies", "{H: -13, C: -1029, N: -1485, O: -2042}"], "test_best_"),
        (["test", "RUN", "--data.split.init_args.seed", "1"], "test_best_"),
        (["validate", "RUN", "--ckpt_path", "last"], "validation_last_"),
        (["validate", "RUN", "--trainer.limit_val_batches", "1"], "validation_best_"),
    ],
)
def test_what_is_not_the_run_itself_is_evaluated_beside_it(
    run: Path, tmp_path: Path, arguments: list[str], name: str
) -> None:
    (tmp_path / "other.ckpt").write_bytes((run / "checkpoints" / "best.ckpt").read_bytes())
    before, files = Record.load(run), contents(run)
    places = {"RUN": str(run), "OTHER": str(tmp_path / "other.ckpt")}
    assert main([places.get(argument, argument) for argument in arguments]) == 0
    record, after = Record.load(run), contents(run)
    (added,) = record.evaluations.keys() - before.evaluations.keys()
    assert added.startswith(name)
    assert record.evaluations[added].metrics["energy_mae"].unit == "kcal/mol"
    assert record.metrics == before.metrics
    assert record.evaluations["test"] == before.evaluations["test"]
    changed = {file for file in after if after[file] != files.get(file)}
    assert all(file == "record.json" or file.startswith(f"evaluations/{added}/") for file in changed)


def test_that_training_has_not_ended_is_said(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for has_ended in (True, False):
        if not has_ended:
            replace(Record.load(run), budget=None).save(run)
        assert main(["validate", str(run)]) == 0
        assert (f"Warning: training in {run} has not ended" in capsys.readouterr().err) == (not has_ended)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--ckpt_path", "best"],
        ["--data.evaluation_batch_size", "5", "--data.num_workers", "1"],
        ["--trainer.max_epochs", "99", "--trainer.enable_progress_bar", "false"],
    ],
)
def test_settings_that_change_no_number_leave_it_an_evaluation_of_the_run(run: Path, arguments: list[str]) -> None:
    before = Record.load(run)
    assert main(["test", str(run), *arguments]) == 0
    record = Record.load(run)
    assert record.evaluations.keys() == before.evaluations.keys() | {"test"}  # tests share the run, in any order
    for name, error in before.metrics["test"].items():
        assert record.metrics["test"][name].value == pytest.approx(error.value, rel=1e-5)
    assert (record.command, record.cost, record.budget) == (before.command, before.cost, before.budget)


def test_a_run_of_an_earlier_version_is_evaluated_as_it_is(run: Path) -> None:
    """Its config holds less, and where it was."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    for name in ("from", "freeze", "checkpoint_every_minutes", "checkpoint_every_steps"):
        del config[name]
    del config["model"]["init_args"]["loss"]["init_args"]["energy"]  # the default, as a new setting would have one
    config |= {"run_dir": "elsewhere", "ckpt_path": "elsewhere/checkpoints/last.ckpt"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    before = Record.load(run).evaluations.keys()  # tests share the run, in any order
    assert main(["test", str(run)]) == 0
    assert Record.load(run).evaluations.keys() == before | {"test"}


def test_what_a_run_does_while_it_trains_does_not_keep_it_from_being_tested(tmp_path: Path) -> None:
    run = tmp_path / "run"
    own = "{class_path: lightning.pytorch.callbacks.ModelCheckpoint, init_args: {monitor: validation/energy_mae}}"
    early = "{class_path: lightning.pytorch.callbacks.EarlyStopping, init_args: {monitor: validation/loss}}"
    command = ["fit", *QUICK, "--trainer.callbacks", f"[{own}, {early}]", "--run_dir", str(run)]
    assert main(command) == 0
    assert {"best.ckpt", "last.ckpt"} < {file.name for file in (run / "checkpoints").iterdir()}
    assert main(["test", str(run)]) == 0


def test_flags_of_fit_are_no_flags_of_test(run: Path, refused: Callable[[list[str]], str]) -> None:
    assert refused(["test", str(run), "--from", str(run)]).startswith("--from starts a training.")
    assert refused(["test", str(run), "--train_on", "3"]).startswith("There is no setting train_on.")


@pytest.mark.parametrize("command", ["test", "validate"])
def test_a_run_that_cannot_be_written_is_refused_before_anything_is_computed(
    run: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, access = contents(run), os.access
    monkeypatch.setattr(os, "access", lambda path, *mode: Path(path) != run and access(path, *mode))
    monkeypatch.setattr(Task, "test_step", lambda *_: pytest.fail("something was computed"))
    monkeypatch.setattr(Task, "validation_step", lambda *_: pytest.fail("something was computed"))
    assert main([command, str(run)]) == 2
    evaluated = {"test": "test", "validate": "validation"}[command]
    assert f"{run} cannot be written, and its {evaluated} errors are recorded there" in capsys.readouterr().err
    assert contents(run) == before


def test_a_run_trained_on_devices_that_are_not_here_is_evaluated_on_what_there_is(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    config["trainer"] |= {"accelerator": "cpu", "devices": 999, "num_nodes": 2, "strategy": "ddp"}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    before = Record.load(run)
    assert main(["test", str(run)]) == 0
    assert (
        f"{run} was trained with devices 999, num_nodes 2, strategy ddp, which is not here" in capsys.readouterr().err
    )
    assert Record.load(run).evaluations["test"].metrics == before.evaluations["test"].metrics
    assert main(["test", str(run), "--trainer.devices", "998"]) == 2
    assert "devices is 998" in capsys.readouterr().err
