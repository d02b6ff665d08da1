"""What opening a store and drawing from it takes; run in a process of its own, so that nothing earlier hides it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from potbench.loading import AtomsDataModule, Store
from potbench.loading.preparation import prepare
from potbench.speed.simulated_store import Simulated

STATUS = Path("/proc/self/status")
MEMORY = Path("/proc/meminfo")
MIB = 2**20
READ_AT_ONCE = 2**24
LARGEST_CACHED = 4 * 2**30
SPARE = 2 * 2**30


def resident() -> dict[str, float]:
    """Resident memory of this process in MiB: all of it (VmRSS), and what is not shared with a file (RssAnon)."""
    lines = (line.split() for line in STATUS.read_text().splitlines())
    return {words[0][:-1]: int(words[1]) * 1024 / MIB for words in lines if words[0] in {"VmRSS:", "RssAnon:"}}


def measure_apart(folder: Path, num_frames: int, batch_size: int, num_batches: int) -> dict[str, Any]:
    """Write a simulated store below a folder, and measure it in a fresh process; what `measure` returns.

    Raises:
        FileNotFoundError: the system is not Linux.
    """
    if not STATUS.is_file():
        raise FileNotFoundError(
            f"There is no {STATUS} to read memory from, expected on Linux alone. Set --frames to 0."
        )
    num_bytes = Simulated(num_frames).write_store(folder)
    words = [str(folder), str(num_frames), str(batch_size), str(num_batches)]
    command = [sys.executable, "-m", "potbench.speed.large_store", *words]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return {"gib": num_bytes / 2**30, **json.loads(finished.stdout.splitlines()[-1])}


def measure(folder: Path, num_frames: int, batch_size: int, num_batches: int) -> dict[str, Any]:
    """Open, divide and draw batches at random from 80 % of the frames, through the DataModule.

    Returns:
        Seconds of opening (median of five), of dividing with statistics, and of the first batch, which comes after
        shuffling; frames per second of the batches behind it; growth of resident memory in MiB at its highest; whether
        the files were in the page cache: only then would a mapped file show how much of it is touched.
    """
    data = _data(folder, num_frames, batch_size)
    store = prepare(data.dataset, folder).folder
    in_page_cache = _read_once(store)
    before = resident()
    opening = []
    for _ in range(5):
        start = time.perf_counter()
        Store(store)
        opening.append(time.perf_counter() - start)
    start = time.perf_counter()
    data.setup("fit")
    divided = time.perf_counter()
    batches = islice(chain.from_iterable(repeat(data.train_dataloader())), num_batches + 1)
    next(batches)
    shuffled = time.perf_counter()
    highest, num_drawn, drawing = resident(), 0, 0.0
    moment = time.perf_counter()
    for batch in batches:
        drawing += time.perf_counter() - moment
        num_drawn += len(batch.energy)
        highest = {name: max(value, highest[name]) for name, value in resident().items()}
        moment = time.perf_counter()
    return {
        "frames": num_frames,
        "in_page_cache": in_page_cache,
        "open_seconds": sorted(opening)[2],
        "divide_seconds": divided - start,
        "shuffle_seconds": shuffled - divided,
        "frames_per_second": num_drawn / drawing,
        "growth_mib": {name: highest[name] - before[name] for name in before},
    }


def _data(folder: Path, num_frames: int, batch_size: int) -> AtomsDataModule:
    return AtomsDataModule(Simulated(num_frames), batch_size=batch_size, root=folder)


def _read_once(folder: Path) -> bool:
    """Bring the arrays into the page cache, if they are small enough and there is room."""
    files = [folder / "energy.npy", folder / "positions.npy"]
    size = sum(file.stat().st_size for file in files)
    available = next(int(line.split()[1]) * 1024 for line in MEMORY.read_text().splitlines() if "MemAvailable" in line)
    if size > min(LARGEST_CACHED, available - SPARE):
        return False
    buffer = bytearray(READ_AT_ONCE)
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass
    return True


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), *map(int, sys.argv[2:]))))
