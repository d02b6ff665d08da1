"""Processes that torchrun starts."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import QUICK
from tests.runs.small_run import contents

TORCHRUN = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "potbench")


def torchrun(run: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start fit by torchrun, in a session of its own."""
    command = [*TORCHRUN, "fit", *QUICK, "--run_dir", str(run), *arguments]
    return subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )


def ends(process: "subprocess.Popen[str]") -> str:
    """Wait for a process that must succeed; return what it printed."""
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    return printed


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", ["0", "2"])
def test_torchrun_ends_with_status_0_ten_times_of_ten(tmp_path: Path, num_workers: str) -> None:
    arguments = ("--trainer.max_epochs", "1", "--data.init_args.num_workers", num_workers)
    for number in range(10):
        assert ends(torchrun(tmp_path / str(number), *arguments)).count("Run folder:") == 1


@pytest.mark.slow
def test_a_signal_to_torchrun_and_all_its_processes_saves_the_run_and_it_continues(tmp_path: Path) -> None:
    # a cluster signals every process, those that gather batches too
    arguments = ("--data.init_args.num_workers", "2", "--trainer.max_epochs", "60", "--resume", "auto")
    run = tmp_path / "run"
    process = torchrun(run, *arguments)
    while not (run / "checkpoints" / "last.ckpt").is_file():
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    printed, _ = process.communicate(timeout=60)
    assert printed.count("stopped by SIGTERM in epoch") == 1, printed
    assert "DataLoader worker" not in printed
    assert process.returncode != 0
    assert f"{run} is resumed after" in ends(torchrun(run, *arguments))
    before = contents(run)
    assert f"{run} is finished" in ends(torchrun(run, *arguments))
    assert contents(run) == before
