import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.conftest import RUN


@pytest.mark.slow
def test_torchrun_ends_with_status_0_ten_times_of_ten(tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    arguments = [*RUN, "--trainer.max_epochs", "1", "--trainer.devices", "2", "--trainer.strategy", "ddp"]
    for number in range(10):
        command = [*torchrun, "-m", "potbench", "fit", "--run_dir", str(tmp_path / str(number)), *arguments]
        done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=300)
        assert done.returncode == 0, f"{number}: {done.stdout}{done.stderr}"
        assert done.stdout.count("Run folder:") == 1
