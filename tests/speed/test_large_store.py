import mmap

import numpy as np
import pytest

from potbench.speed.large_store import measure, measure_apart, resident
from potbench.speed.simulated_store import Simulated


def test_memory_taken_is_memory_seen():
    before = resident()
    # from the system itself: numpy may be given memory that this process freed and kept
    taken = np.frombuffer(mmap.mmap(-1, 128 * 2**20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.float64)
    taken[:] = 1
    growth = {name: resident()[name] - before[name] for name in before}
    assert growth == pytest.approx({"VmRSS": 128, "RssAnon": 128}, abs=16)


def test_a_fresh_process_measures_the_same_things(tmp_path):
    apart = measure_apart(tmp_path, num_frames=2000, batch_size=100, num_batches=40)
    here = measure(tmp_path, num_frames=2000, batch_size=100, num_batches=2)
    assert set(apart) == {"gib", *here}
    assert apart["frames"] == here["frames"] == 2000
    assert apart["gib"] * 2**30 == pytest.approx(2000 * (8 + 15 * 12), rel=0.1)


def test_drawing_from_a_store_too_large_to_map_does_not_fill_the_memory(tmp_path):
    # 100 MiB of positions, of which the batches touch nearly every page
    simulated = Simulated(600_000)
    apart = measure_apart(tmp_path, simulated.num_frames, batch_size=2048, num_batches=40)
    assert apart["in_page_cache"]
    assert apart["growth_mib"]["VmRSS"] < 60
