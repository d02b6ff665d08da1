"""One SLURM for all tests of this folder, and short runs to submit."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.cli.conftest import CONFIGS, SMALL
from tests.slurm.job import Job
from tests.slurm.one_machine import NotInstalledError, OneMachine, install

# small batches, so that a run lasts long enough to be interrupted; dropout draws random numbers at every step
RUN = (
    *("--config", str(CONFIGS / "quickstart.yaml"), *SMALL),
    *("--data.init_args.batch_size", "2"),
    *("--model.init_args.potential.init_args.readout.init_args.dropout", "0.1"),
    *("--trainer.max_epochs", "6"),
)
Submit = Callable[..., Job]


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneMachine]:
    """A cluster of one machine."""
    try:
        install()
    except NotInstalledError as reason:
        pytest.skip(str(reason))
    with OneMachine(tmp_path_factory.mktemp("slurm")).started() as cluster:
        yield cluster


@pytest.fixture
def own_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs call this Python."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def submit(slurm: OneMachine, own_python: None, tmp_path: Path) -> Submit:
    """Submit a script of configs/cluster with the folder of the run and arguments of fit; options are of sbatch."""

    def run(script: str, folder: Path, *arguments: str, options: tuple[str, ...] = ()) -> Job:
        log = tmp_path / f"{folder.name}.log"
        return Job(slurm, CONFIGS / "cluster" / script, (str(folder), *arguments), options, log)

    return run


def fit(run: Path, *arguments: str) -> Path:
    """Train with one thread and without SLURM; return the folder of the run."""
    command = [sys.executable, "-m", "potbench", "fit", "--run_dir", str(run), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "POTBENCH_DATA": str(run.parent / "prepared")}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return run


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run in one process, without SLURM."""
    return fit(tmp_path_factory.mktemp("unbroken") / "run", *RUN)


@pytest.fixture(scope="session")
def unbroken_in_two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run in two processes, without SLURM."""
    return fit(tmp_path_factory.mktemp("unbroken") / "run", *RUN, "--trainer.devices", "2")


def weights(run: Path) -> dict[str, torch.Tensor]:
    """Weights at the end of a run."""
    state: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "last.ckpt")["state_dict"]
    return state


def metrics(run: Path) -> list[dict[str, str]]:
    """Rows of metrics.csv."""
    with (run / "metrics.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def record(run: Path) -> dict[str, Any]:
    """What the run says of itself."""
    read: dict[str, Any] = json.loads((run / "record.json").read_text())
    return read


def assert_same(run: Path, expected: Path) -> None:
    """Fail unless two runs ended with the same numbers, bit for bit."""
    assert metrics(run) == metrics(expected)
    ours, theirs = weights(run), weights(expected)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())
    assert record(run)["metrics"] == record(expected)["metrics"]
