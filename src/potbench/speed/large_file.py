"""What converting a file of millions of frames takes; run in a process of its own, whose memory is its alone."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from potbench.datasets import ANI1
from potbench.loading.preparation import prepare
from potbench.speed.process_memory import held
from potbench.speed.simulated_ani1 import write_simulated


@dataclass(frozen=True)
class LargeFile:
    """Figures of converting a file of many frames.

    Args:
        frames: how many.
        seconds: time of converting.
        highest_mib: the most memory that the process held, in MiB.
    """

    frames: int
    seconds: float
    highest_mib: float


def measure_apart(folder: Path, num_frames: int) -> LargeFile:
    """Write a simulated file of ANI-1 into a folder, and convert it in a fresh process."""
    write_simulated(folder, num_frames)
    command = [sys.executable, "-m", "potbench.speed.large_file", str(folder)]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return LargeFile(**json.loads(finished.stdout.splitlines()[-1]))


def measure(folder: Path) -> LargeFile:
    """Convert the simulated file of a folder."""
    start = time.perf_counter()
    store = prepare(ANI1(folder, [8]), folder)
    seconds = time.perf_counter() - start
    # getrusage would count what the process that started this one held
    return LargeFile(len(store), seconds, held("VmHWM")["VmHWM"])


if __name__ == "__main__":
    print(json.dumps(asdict(measure(Path(sys.argv[1])))))
