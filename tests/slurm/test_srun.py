"""Which processes train: those that srun started, and without srun those that potbench starts."""

from pathlib import Path

import pytest

from tests.slurm.conftest import RUN, assert_same
from tests.slurm.one_machine import OneMachine

pytestmark = [pytest.mark.slurm, pytest.mark.slow, pytest.mark.usefixtures("own_python")]
FIT = ("python", "-m", "potbench", "fit", *RUN)


def test_tasks_of_srun_are_the_devices(slurm: OneMachine, tmp_path: Path, unbroken_in_two_processes: Path) -> None:
    slurm.command("srun", "--ntasks=2", *FIT, "--run_dir", str(tmp_path / "run"))
    assert_same(tmp_path / "run", unbroken_in_two_processes)


def test_script_without_srun_starts_its_processes_itself(
    slurm: OneMachine, tmp_path: Path, unbroken_in_two_processes: Path
) -> None:
    # Lightning alone believes that --ntasks-per-node started two, and waits for the second until the time limit
    command = " ".join((*FIT, "--run_dir", str(tmp_path / "run"), "--trainer.devices", "2"))
    options = ("--wait", "--time=10", "--ntasks-per-node=2", f"--output={tmp_path}/job.log")
    slurm.command("sbatch", *options, "--wrap", command)
    assert_same(tmp_path / "run", unbroken_in_two_processes)


def test_one_task_starts_the_processes_of_its_devices(
    slurm: OneMachine, tmp_path: Path, unbroken_in_two_processes: Path
) -> None:
    # Lightning alone trains in one process, without a word
    slurm.command("srun", "--ntasks=1", *FIT, "--run_dir", str(tmp_path / "run"), "--trainer.devices", "2")
    assert_same(tmp_path / "run", unbroken_in_two_processes)


def test_devices_that_srun_did_not_start_are_refused(slurm: OneMachine, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"devices is 4, .* 2") as refused:
        slurm.command("srun", "--ntasks=2", *FIT, "--run_dir", str(tmp_path / "run"), "--trainer.devices", "4")
    assert "Traceback" not in str(refused.value)
    assert not (tmp_path / "run").exists()
