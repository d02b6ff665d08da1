import mmap

import numpy as np
import pytest

from potbench.speed.process_memory import held


def test_memory_taken_is_memory_seen():
    before = held("VmRSS", "RssAnon")
    # from the system itself: numpy may be given memory that this process freed and kept
    taken = np.frombuffer(mmap.mmap(-1, 128 * 2**20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.float64)
    taken[:] = 1
    after = held("VmRSS", "RssAnon")
    growth = {kind: after[kind] - before[kind] for kind in before}
    assert growth == pytest.approx({"VmRSS": 128, "RssAnon": 128}, abs=16)


def test_memory_given_back_was_held_once():
    memory = mmap.mmap(-1, 128 * 2**20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.write(b"1" * (128 * 2**20))
    highest = held("VmRSS")["VmRSS"]
    memory.close()
    assert held("VmHWM")["VmHWM"] >= highest - 1
    assert held("VmRSS")["VmRSS"] < highest - 100
