"""Commands that end with the process that started them, also where that is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIMES = """
import os, sys
from pathlib import Path
from potbench.runs.step_time import measure
waits = "import os, time; open(r'{run}', 'w').write(str(os.getpid())); time.sleep(60)"
measure({"trainer": {}}, Path(sys.argv[1]), (sys.executable, "-c", waits), os.environ, "The potential")
"""


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process of the end of its parent")
def test_steps_that_are_timed_end_with_who_asked_for_them(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", TIMES, str(tmp_path)], env=os.environ)
    file = tmp_path / "run"
    deadline = time.monotonic() + 60
    while not (file.is_file() and file.read_text()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    child = int(file.read_text())
    assert is_alive(child)
    process.kill()
    process.wait()
    while is_alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)
