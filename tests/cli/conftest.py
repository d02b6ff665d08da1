"""Short runs on the sample inside the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.cli.main import main

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"
# a run of seconds: 48 frames train, 16 validate, 16 test
SMALL = [
    *("--data.init_args.split.init_args.train", "48"),
    *("--data.init_args.split.init_args.validation", "16"),
    *("--data.init_args.split.init_args.test", "16"),
    *("--data.init_args.batch_size", "16"),
    *("--trainer.accelerator", "cpu"),
]
QUICK = ["--config", str(CONFIGS / "quickstart.yaml"), *SMALL, "--trainer.max_epochs", "2"]


@pytest.fixture(autouse=True)
def _few_figures(request: pytest.FixtureRequest) -> None:
    """Figures of runs are drawn by the tests that look at them, and in processes of their own."""
    if "figures" not in request.keywords:
        request.getfixturevalue("undrawn")


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that was trained and tested; read, never changed."""
    folder = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder / "prepared"))
        assert (
            main(["fit", *QUICK, "--data.init_args.root", str(folder / "prepared"), "--run_dir", str(folder / "run")])
            == 0
        )
        assert main(["test", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def run_copy(finished_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, which may be changed."""
    shutil.copytree(finished_run, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[[list[str]], str]:
    """Run a command that must be refused with status 2; give what it says, on one line."""

    def run(arguments: list[str]) -> str:
        status = main(arguments)
        # what libraries warn of comes before it
        printed = " ".join(capsys.readouterr().err.rpartition("\npotbench: ")[2].split())
        assert status == 2, printed
        return printed

    return run


def start(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start `python -m potbench` as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "potbench", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a process that must succeed; give what it printed."""
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed
