"""Dashboards: what they show, that runs continue in them, and that no failure of theirs is one of the training."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from potbench.cli.main import main
from potbench.dashboards import wandb_logger
from tests.cli.conftest import CONFIGS, QUICK, finish, start
from tests.wandb_server import KEY, WandbServer

WANDB = ["--config", str(CONFIGS / "logger" / "wandb.yaml")]
TENSORBOARD = ["--config", str(CONFIGS / "logger" / "tensorboard.yaml")]
BOTH = [
    "--trainer.logger",
    "[potbench.dashboards.WandbLogger, potbench.dashboards.TensorBoardLogger]",
]
# metrics that training logs, one row of each at a step
LOGGED = ("train/learning_rate", "train/loss", "validation/loss")


@pytest.fixture(autouse=True)
def _no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    yield
    wandb.teardown()  # the client reads the environment once


def parts(run: Path) -> list[list[dict[str, Any]]]:
    """The records of each part of a run, in order."""
    identifier = json.loads((run / "wandb.json").read_text())["id"]
    found = []
    for file in sorted(run.glob(f"wandb/*run-*-{identifier}/run-{identifier}.wandb")):
        command = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(file)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        found.append([json.loads(line) for line in lines])
    return found


def rows(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record["history"]["item"] for record in records if record["type"] == "history"]


def merged(records: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The last values of the config or the summary."""
    values: dict[str, Any] = {}
    for record in records:
        if record["type"] == kind:
            values |= record[kind].get("update", {})
    return values


def steps_in_wandb(run: Path) -> dict[str, list[int]]:
    found = [row for records in parts(run) for row in rows(records)]
    return {name: [row["trainer/global_step"] for row in found if name in row] for name in LOGGED}


def steps_in_tensorboard(run: Path) -> dict[str, list[int]]:
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return {name: [event.step for event in events.Scalars(name)] for name in LOGGED}


def steps_in_csv(run: Path) -> list[int]:
    with (run / "metrics.csv").open(newline="") as stream:
        return [int(row["step"]) for row in csv.DictReader(stream) if row["validation/loss"]]


@pytest.mark.figures
def test_an_offline_run_shows_all_there_is_to_know(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    described = {"name": "first", "group": "several", "job_type": "trial", "notes": "why", "tags": "[a,b]"}
    arguments = [text for name, value in described.items() for text in (f"--trainer.logger.{name}", value)]
    entity = ["--trainer.logger.entity", "us", "--trainer.logger.log_checkpoint", "true"]
    assert main(["fit", *QUICK, *WANDB, *arguments, *entity, "--run_dir", str(run)]) == 0
    printed = capsys.readouterr()
    assert main(["test", str(run)]) == 0
    trained, tested = parts(run)
    about = next(record["run"] for record in trained if record["type"] == "run")
    assert (about["display_name"], about["run_group"], about["job_type"]) == ("first", "several", "trial")
    assert (about["notes"], about["tags"], about["entity"], about["project"]) == ("why", ["a", "b"], "us", "potbench")
    config = yaml.safe_load((run / "config.yaml").read_text())
    logged = merged(trained, "config")
    assert {name: logged[name] for name in config if name in logged} == config
    _shows_the_training(run, rows(trained))
    record = json.loads((run / "record.json").read_text())
    best = merged(trained, "summary")
    mae = record["metrics"]["validation"]["energy_mae"]
    assert mae["unit"] == "kcal/mol"
    assert best["best_validation/energy_mae_kcal_per_mol"] == mae["value"]
    assert best["throughput_frames_per_s"] == record["cost"]["throughput"]["value"]
    (artifact,) = [one["artifact"] for one in trained if one["type"] == "artifact"]
    assert "best" in artifact["aliases"]
    _shows_the_test(run, tested, record)
    (sync,) = [line for line in printed.out.splitlines() if "wandb sync" in line]
    folder = Path(sync.rpartition("wandb sync ")[2])
    assert folder.name.startswith("offline-run-")
    assert folder.is_dir()
    assert "wandb:" not in printed.out + printed.err


def _shows_the_training(run: Path, logged: list[dict[str, Any]]) -> None:
    with (run / "metrics.csv").open(newline="") as stream:
        errors = [float(row["validation/energy_mae"]) for row in csv.DictReader(stream) if row["validation/energy_mae"]]
    name = "validation/energy_mae_kcal_per_mol"
    assert [row[name] for row in logged if name in row] == errors
    assert any("validation/forces_rmse_kcal_per_mol_per_A" in row for row in logged)
    monitored = [row for row in logged if "train/learning_rate" in row]
    assert [(row["trainer/global_step"], row["epoch"]) for row in monitored] == [(2, 0), (5, 1)]
    for name in ("train/learning_rate", "train/gradient_norm", "train/throughput_frames_per_s"):
        assert all(row[name] > 0 for row in monitored)
    assert all(100 < row["train/peak_memory_MiB"] < 1e6 for row in monitored)


def _shows_the_test(run: Path, records: list[dict[str, Any]], record: dict[str, Any]) -> None:
    errors = record["metrics"]["test"]
    summary = merged(records, "summary")
    assert summary["test/forces_mae_meV_per_A"] == errors["forces_mae_mev"]["value"]
    (row,) = rows(records)
    folder = next((run / "wandb").glob(f"offline-run-*/{'files'}/media/images/test")).parents[2]
    for figure in ("parity", "residuals"):
        assert (folder / row[f"test/{figure}.path"]).read_bytes() == (run / "figures" / f"{figure}.png").read_bytes()
    table = json.loads((folder / row["test/worst_frames.path"]).read_text())
    assert table["columns"][:4] == ["frame", "molecule", "atoms", "energy error (kcal/mol)"]
    sizes = [abs(values[3]) for values in table["data"]]
    assert len(sizes) == 16
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) / len(sizes) == pytest.approx(errors["energy_mae"]["value"], rel=1e-3)


@pytest.mark.parametrize(
    "answers",
    [pytest.param(True, id="nobody is there", marks=pytest.mark.slow), pytest.param(False, id="nobody answers")],
)
def test_a_server_that_cannot_be_reached_neither_ends_nor_changes_a_training(
    answers: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finished_run: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = tmp_path / "run"
    server = WandbServer(answers)
    if answers:
        server.close()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr(wandb_logger, "INIT_SECONDS", 1.0)
    started = time.monotonic()
    assert main(["fit", *QUICK, *WANDB, "--run_dir", str(run)]) == 0
    wandb.teardown()
    assert time.monotonic() - started < 25
    assert (run / "metrics.csv").read_bytes() == (finished_run / "metrics.csv").read_bytes()
    printed = capsys.readouterr().out
    assert printed.count("Weights & Biases cannot be used online: ") == 1
    assert printed.count("wandb sync ") == 1
    assert steps_in_wandb(run)["train/loss"] == [2, 5]
    if not answers:
        server.close()


def test_a_server_that_goes_away_does_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    server = WandbServer(closes_after="file_stream")
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setattr(wandb_logger, "FINISH_SECONDS", 1.0)
    assert main(["fit", *QUICK, *WANDB, "--run_dir", str(run)]) == 0
    printed = capsys.readouterr().out
    assert f"Dashboard: {server.url}/me/potbench/runs/" in printed
    assert f"wandb sync {run}/wandb/run-" in printed
    assert (run / "metrics.csv").read_bytes() == (finished_run / "metrics.csv").read_bytes()
    assert steps_in_wandb(run)["train/loss"] == [2, 5]


def test_fit_and_evaluations_are_one_run_online(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    server = WandbServer()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    assert main(["fit", *QUICK, *WANDB, "--run_dir", str(run)]) == 0
    assert [row["trainer/global_step"] for row in server.rows if "train/loss" in row] == [2, 5]
    fitted = len(server.runs)
    assert main(["validate", str(run)]) == 0
    assert len(server.runs) > fitted
    assert set(server.runs) == {json.loads((run / "wandb.json").read_text())["id"]}
    record = json.loads((run / "record.json").read_text())
    shown = server.summary["best_validation/energy_mae_kcal_per_mol"]
    assert shown == record["metrics"]["validation"]["energy_mae"]["value"]
    assert "wandb sync" not in capsys.readouterr().out
    server.close()


@pytest.mark.slow
def test_a_killed_run_continues_in_its_dashboards_without_steps_that_are_double_or_missing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    every_step = ["--trainer.log_every_n_steps", "1", "--checkpoint_every_steps", "7", "--trainer.max_epochs", "30"]
    process = start("fit", *QUICK, *BOTH, *every_step, "--run_dir", str(run))
    while not ((run / "metrics.csv").is_file() and len(steps_in_csv(run)) > 4) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGSTOP)
    time.sleep(1)  # what was logged until now reaches the disk
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (before,) = parts(run)
    assert max(row["trainer/global_step"] for row in rows(before)) >= 14
    assert main(["fit", str(run)]) == 0
    assert len(parts(run)) == 2
    for steps in (steps_in_wandb(run), steps_in_tensorboard(run)):
        assert steps["train/learning_rate"] == list(range(90))
        assert steps["train/loss"] == steps["validation/loss"] == steps_in_csv(run) == list(range(2, 90, 3))


@pytest.mark.slow
def test_a_run_that_is_trained_on_continues_in_its_loggers(tmp_path: Path) -> None:
    run = tmp_path / "run"
    own = f"{{class_path: lightning.pytorch.loggers.CSVLogger, init_args: {{save_dir: {run}}}}}"
    loggers = ["--trainer.logger", f"{BOTH[1][:-1]}, {own}]"]
    assert main(["fit", *QUICK, *loggers, "--model.init_args.schedule", "null", "--run_dir", str(run)]) == 0
    assert main(["test", str(run)]) == 0
    assert main(["fit", str(run), "--train_on", "1"]) == 0
    for steps in (steps_in_wandb(run), steps_in_tensorboard(run)):
        assert all(steps[name] == [2, 5, 8] for name in LOGGED)
    with (run / "lightning_logs" / "version_1" / "metrics.csv").open(newline="") as stream:
        assert [row["step"] for row in csv.DictReader(stream) if row["train/gradient_norm"]] == ["8"]
    assert steps_in_csv(run) == [2, 5, 8]
    assert "train/gradient_norm" not in (run / "metrics.csv").read_text()


@pytest.mark.slow
@pytest.mark.figures
def test_tensorboard_shows_the_run_in_its_folder(tmp_path: Path, finished_run: Path) -> None:
    run = tmp_path / "run"
    assert main(["fit", *QUICK, *TENSORBOARD, "--run_dir", str(run)]) == 0
    assert main(["test", str(run)]) == 0
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert set(tags["images"]) == {"loss", "test/parity", "test/residuals"}
    assert {"config/text_summary", "test/worst_frames/text_summary"} <= set(tags["tensors"])
    assert {"train/gradient_norm", "validation/energy_mae_kcal_per_mol", "epoch"} <= set(tags["scalars"])
    record = json.loads((run / "record.json").read_text())
    (mae,) = events.Scalars("test/energy_mae_meV")
    assert mae.value == pytest.approx(record["metrics"]["test"]["energy_mae_mev"]["value"], rel=1e-6)
    assert (run / "metrics.csv").read_bytes() == (finished_run / "metrics.csv").read_bytes()


def test_a_csv_logger_that_would_delete_the_metrics_is_refused(tmp_path: Path, refused: Any) -> None:
    run = tmp_path / "run"
    own = f"{{class_path: lightning.pytorch.loggers.CSVLogger, init_args: {{save_dir: {run}, name: '', version: ''}}}}"
    assert refused(["fit", *QUICK, "--trainer.logger", own, "--run_dir", str(run)]) == (
        f"Lightning's CSVLogger would delete the metrics.csv of potbench, in {run}. Expected another folder. "
        "Change trainer.logger.init_args.save_dir."
    )


@pytest.mark.parametrize("arguments", [WANDB, TENSORBOARD], ids=["wandb", "tensorboard"])
def test_a_training_that_does_not_begin_leaves_no_dashboard(tmp_path: Path, arguments: list[str]) -> None:
    run = tmp_path / "run"
    command = ["fit", *QUICK, *arguments, "--run_dir", str(run)]
    assert main([*command, "--trainer.fast_dev_run", "true"]) == 0
    assert main([*command, "--trainer.max_epochs", "-1"]) == 2
    assert not list(run.glob("*wandb*")) + list(run.glob("tensorboard"))


def test_tensorboard_that_is_missing_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Any
) -> None:
    monkeypatch.setattr("potbench.dashboards.tensorboard_logger.find_spec", lambda name: None)
    assert refused(["fit", *QUICK, *TENSORBOARD, "--run_dir", str(tmp_path / "run")]) == (
        "The logger of TensorBoard needs the package tensorboard, which is not installed. Install it: pip install "
        "'potbench[tensorboard]'."
    )


@pytest.mark.slow
def test_of_several_processes_one_writes_the_dashboards(tmp_path: Path) -> None:
    run = tmp_path / "run"
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
    finish(start("fit", *QUICK, *BOTH, *devices, "--run_dir", str(run)))
    assert len(parts(run)) == 1
    assert steps_in_wandb(run) == steps_in_tensorboard(run)
    assert steps_in_wandb(run)["train/loss"] == steps_in_csv(run)
