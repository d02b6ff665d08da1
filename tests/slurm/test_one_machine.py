"""The cluster leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.slurm.one_machine import NotInstalledError, install

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
SESSION = """
import sys, time
from pathlib import Path
from tests.slurm.one_machine import OneMachine
with OneMachine(Path(sys.argv[1])).started():
    print("started", flush=True)
    time.sleep(600)
"""


def test_daemons_end_with_a_process_that_is_killed(tmp_path: Path) -> None:
    try:
        install()
    except NotInstalledError as reason:
        pytest.skip(str(reason))
    session = subprocess.Popen([sys.executable, "-c", SESSION, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert session.stdout is not None
    assert session.stdout.readline() == "started\n"
    daemons = [int((tmp_path / f"{name}.pid").read_text()) for name in ("slurmctld", "slurmd", "munged")]
    assert all(Path(f"/proc/{number}").exists() for number in daemons)
    session.send_signal(signal.SIGKILL)
    session.wait()
    end = time.monotonic() + 60
    while any(Path(f"/proc/{number}").exists() for number in daemons):
        assert time.monotonic() < end
        time.sleep(0.2)
