"""Time that processors have spent on a training."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import suppress
from pathlib import Path


def processor_seconds() -> float:
    """Return the seconds that all cores together have spent on this process and on those it has started to load data.

    Of processes that load data and are running, only Linux tells; elsewhere they count when they have ended.
    """
    running = sum(_seconds_of(child.pid) for child in multiprocessing.active_children())
    times = os.times()
    return time.process_time() + times.children_user + times.children_system + running


def _seconds_of(process: int | None) -> float:
    with suppress(OSError, ValueError, AttributeError):  # it has ended, or the system is not Linux
        # the name of the program, in brackets, may hold spaces
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0
