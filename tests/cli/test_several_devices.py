import json
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from potbench.cli.main import main
from potbench.runs.metrics import read_curves
from tests.cli.conftest import QUICK, finish, start
from tests.runs.small_run import contents


@pytest.mark.parametrize(
    "optimizer", ["torch.optim.Adam", pytest.param("potbench.training.Muon", marks=pytest.mark.slow)]
)
def test_two_processes_train_as_one(tmp_path: Path, optimizer: str) -> None:
    # 47 frames in batches of 16: shares differ by one frame, and no frame is drawn twice
    # double precision, since Adam's first steps turn the rounding of small gradients into whole steps
    fit = ["fit", *QUICK, "--data.init_args.split.init_args.train", "47", "--trainer.precision", "64-true"]
    fit += ["--model.optimizer", optimizer]
    one, two = tmp_path / "one", tmp_path / "two"
    assert main([*fit, "--run_dir", str(one)]) == 0
    devices = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
    printed = finish(start(*fit, "--run_dir", str(two), *devices, PYTHONWARNINGS="default,ignore::ResourceWarning"))
    assert "Warning" not in printed
    assert "recommended" not in printed
    records = [json.loads((run / "record.json").read_text()) for run in (one, two)]
    assert records[0]["split"]["fingerprint"] == records[1]["split"]["fingerprint"]
    assert records[0]["budget"] == records[1]["budget"]
    losses = [read_curves(run / "metrics.csv")["validation/loss"] for run in (one, two)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-7)
    assert_same_errors(records, "validation")


def assert_same_errors(records: list[dict[str, Any]], stage: str) -> None:
    for name, expected in records[0]["metrics"][stage].items():
        assert records[1]["metrics"][stage][name]["value"] == pytest.approx(expected["value"], rel=1e-7), name


@pytest.mark.slow
def test_two_processes_test_as_one(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    devices = ("--trainer.devices", "2", "--trainer.strategy", "ddp")
    finish(start("fit", *QUICK, "--trainer.precision", "64-true", "--run_dir", str(two), *devices))
    shutil.copytree(two, one)
    assert main(["test", str(one), "--trainer.devices", "1", "--trainer.strategy", "auto"]) == 0
    finish(start("test", str(two)))
    assert_same_errors([json.loads((run / "record.json").read_text()) for run in (one, two)], "test")
    predicted, expected = (np.load(run / "predictions.npz") for run in (two, one))
    assert np.array_equal(predicted["frame"], expected["frame"])
    for name in ("predicted_energy", "predicted_forces", "force_absolute_error", "num_atoms"):
        assert predicted[name] == pytest.approx(expected[name], rel=1e-6, abs=1e-6), name


REPORT = ("--trainer.callbacks", "[{class_path: tests.cli.cached_features.Report}]")
FEW = ("--data.init_args.split.init_args.train", "12", "--data.init_args.batch_size", "6")


@pytest.mark.slow
def test_processes_compute_derivatives_once_and_share_them(tmp_path: Path) -> None:
    devices = ("--run_dir", str(tmp_path / "run"), "--trainer.devices", "2")
    printed = finish(start("fit", *QUICK, *FEW, "--trainer.max_epochs", "27", *REPORT, *devices))
    assert printed.count("Converting sample into") == 1
    assert "Features of 28 frames and their derivatives are computed once and cached in memory" in printed
    assert "process 0 computed derivatives, mapped 1 files" in printed
    assert "process 1 computed nothing, mapped 1 files" in printed
    assert not list(tmp_path.rglob("derivatives*"))


@pytest.mark.slow
def test_nodes_that_share_a_file_system_prepare_the_data_and_compute_features_once(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    loss = ("--model.init_args.loss.init_args.forces", "0")
    fit = ["fit", *QUICK, *FEW, *loss, "--run_dir", str(tmp_path / "run"), "--trainer.num_nodes", "2", *REPORT]
    data = str(tmp_path / "new")
    nodes = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "POTBENCH_DATA": data}
    first, second = (start(*fit, "--trainer.devices", "1", **nodes, NODE_RANK=rank) for rank in "01")
    printed = finish(first) + finish(second)
    assert printed.count(f"Converting sample into {data}") == 1
    assert sorted(re.findall("process [01] computed .*,", printed)) in (
        ["process 0 computed features,", "process 1 computed nothing,"],
        ["process 0 computed nothing,", "process 1 computed features,"],
    )
    assert len(list((tmp_path / "new").glob("*/features-*"))) == 1


SRUN = {
    "SLURM_JOB_ID": "4711",
    "SLURM_NTASKS": "2",
    "SLURM_STEP_ID": "0",
    "SLURM_STEP_NUM_TASKS": "2",
    "SLURM_STEP_NUM_NODES": "1",
    "SLURM_STEP_TASKS_PER_NODE": "2",
    "SLURM_STEP_NODELIST": "node1",
    "SLURM_NODEID": "0",
}


@pytest.mark.slow
def test_processes_that_srun_started_train_one_run_and_resume_it(finished_run: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"

    def srun(*arguments: str) -> list[str]:
        command = ["fit", *QUICK, "--run_dir", str(run), "--resume", "auto", *arguments]
        ranks = [SRUN | {"SLURM_PROCID": rank, "SLURM_LOCALID": rank} for rank in ("0", "1")]
        return [finish(process) for process in [start(*command, **rank) for rank in ranks]]

    first, second = srun("--trainer.precision", "64-true")
    assert first.count("Run folder:") == 1
    assert "Run folder:" not in second
    assert "`srun`" not in first + second
    record, one = (json.loads((folder / "record.json").read_text()) for folder in (run, finished_run))
    assert record["budget"] == one["budget"]
    assert not (run / "run.lock").exists()
    # the config says what was asked for, so that the run is tested by any number of processes
    assert yaml.safe_load((run / "config.yaml").read_text())["trainer"]["devices"] == "auto"
    before = contents(run)
    first, second = srun("--trainer.precision", "64-true")
    assert first == f"{run} is finished, after 2 epochs and 6 steps.\n"
    assert second == ""
    assert contents(run) == before


@pytest.mark.parametrize(
    ("variables", "arguments", "said"),
    [
        (
            SRUN,
            [],
            "srun has started several processes, and each would name a folder by the time. Expected one for all",
        ),
        (
            {"TORCHELASTIC_RUN_ID": "none", "LOCAL_WORLD_SIZE": "2", "GROUP_WORLD_SIZE": "1", "RANK": "1"},
            [],
            "torchrun has started several processes, and each would name a folder by the time.",
        ),
        (
            SRUN,
            ["--run_dir", "run", "--trainer.devices", "4"],
            "devices is 4, but srun started 2 processes on each node. Expected 2, or auto. Change trainer.devices.",
        ),
        (
            SRUN,
            ["--run_dir", "run", "--trainer.num_nodes", "3"],
            "num_nodes is 3, but srun started processes on 1 node. Expected 1. Change trainer.num_nodes.",
        ),
    ],
)
def test_processes_that_cannot_work_together_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    refused: Callable[[list[str]], str],
    variables: dict[str, str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {"SLURM_PROCID": "0", **variables}.items():
        monkeypatch.setenv(name, value)
    assert said in refused(["fit", *QUICK, *arguments])
    assert {path.name for path in tmp_path.iterdir()} <= {"prepared"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trainer.devices", "1000"], "devices is 1000, and this machine has"),
        (["--trainer.devices", "1000", "--trainer.strategy", "ddp"], "devices is 1000, and this machine has"),
        (["--trainer.devices", "2", "--trainer.strategy", "ddp_spawn"], "The strategy copies this process"),
        (["--trainer.devices", "2", "--trainer.strategy", "ddp_fork"], "The strategy copies this process"),
        (["--trainer.devices", "2", "--trainer.strategy", "ddp_notebook"], "The strategy copies this process"),
        (["--trainer.num_nodes", "2"], "num_nodes is 2, and nobody starts the processes on the other nodes."),
    ],
)
def test_processes_that_cannot_be_started_are_refused_before_one_is(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    refused: Callable[[list[str]], str],
    arguments: list[str],
    said: str,
) -> None:
    def start(*arguments: object) -> None:
        raise AssertionError("a process is started")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("subprocess.Popen.__init__", start)
    monkeypatch.setattr("potbench.runs.provenance._git", lambda *arguments: "")
    assert said in refused(["fit", *QUICK, *arguments])
    assert {path.name for path in tmp_path.iterdir()} <= {"prepared"}
