"""What opening a store and drawing from it takes; run in a process of its own, so that nothing earlier hides it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from itertools import chain, islice, repeat
from pathlib import Path

from potbench.loading import AtomsDataModule, Store
from potbench.loading.preparation import prepare
from potbench.speed.process_memory import held
from potbench.speed.simulated_store import Simulated

MEMORY = Path("/proc/meminfo")
READ_AT_ONCE = 2**24
LARGEST_CACHED = 4 * 2**30
SPARE = 2 * 2**30


@dataclass(frozen=True)
class LargeStore:
    """Figures of a store of many frames.

    Args:
        frames: how many.
        gib: size of its arrays, in GiB.
        in_page_cache: whether they were in the page cache: only then does resident memory show how much of a mapped
            file was touched.
        open_seconds: time of opening, median of five.
        divide_seconds: time of dividing, with statistics.
        shuffle_seconds: time of the first batch, which comes after shuffling.
        frames_per_second: of the batches behind it.
        growth_mib: VmRSS and RssAnon → growth of resident memory at its highest, in MiB.
    """

    frames: int
    gib: float
    in_page_cache: bool
    open_seconds: float
    divide_seconds: float
    shuffle_seconds: float
    frames_per_second: float
    growth_mib: dict[str, float]


def measure_apart(folder: Path, num_frames: int, batch_size: int, num_batches: int) -> LargeStore:
    """Write a simulated store below a folder, and measure it in a fresh process.

    Args:
        folder: where the store is written.
        num_frames: its frames.
        batch_size: frames in a batch.
        num_batches: batches drawn after the first.

    Raises:
        FileNotFoundError: the system is not Linux.
    """
    Simulated(num_frames).write_store(folder)
    arguments = [str(folder), str(num_frames), str(batch_size), str(num_batches)]
    command = [sys.executable, "-m", "potbench.speed.large_store", *arguments]
    finished = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return LargeStore(**json.loads(finished.stdout.splitlines()[-1]))


def measure(folder: Path, num_frames: int, batch_size: int, num_batches: int) -> LargeStore:
    """Open, divide and draw batches at random from 80 % of the frames, through the DataModule."""
    data = AtomsDataModule(Simulated(num_frames), batch_size=batch_size, root=folder)
    store = prepare(data.dataset, folder).folder
    in_page_cache = _read_once(store)
    before = _resident()
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
    highest, num_drawn, drawing = _resident(), 0, 0.0
    moment = time.perf_counter()
    for batch in batches:
        drawing += time.perf_counter() - moment
        num_drawn += len(batch.energy)
        highest = {kind: max(value, highest[kind]) for kind, value in _resident().items()}
        moment = time.perf_counter()
    return LargeStore(
        frames=num_frames,
        gib=(data.store.energy.nbytes + data.store.positions.nbytes) / 2**30,
        in_page_cache=in_page_cache,
        open_seconds=sorted(opening)[2],
        divide_seconds=divided - start,
        shuffle_seconds=shuffled - divided,
        frames_per_second=num_drawn / drawing,
        growth_mib={kind: highest[kind] - before[kind] for kind in before},
    )


def _resident() -> dict[str, float]:
    return held("VmRSS", "RssAnon")


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
    print(json.dumps(asdict(measure(Path(sys.argv[1]), *map(int, sys.argv[2:])))))
