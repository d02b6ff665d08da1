import h5py
import pytest

from potbench.datasets import ANI1
from potbench.speed.large_file import measure_apart
from potbench.speed.simulated_ani1 import write_simulated


@pytest.mark.slow
def test_a_simulated_file_is_read_like_a_real_one(tmp_path):
    with h5py.File(write_simulated(tmp_path, 12_345)) as root:
        assert len(root["gdb11_s08"]) == 5000
    chunks = list(ANI1(tmp_path, [8]).read())
    assert sum(len(chunk.energy) for chunk in chunks) == 12_345
    assert chunks[0].positions.shape[1:] == (15, 3)


@pytest.mark.slow
def test_converting_is_measured_in_a_process_of_its_own(tmp_path):
    apart = measure_apart(tmp_path, 20_000)
    assert apart.frames == 20_000
    assert apart.seconds > 0
    assert 50 < apart.highest_mib < 1000
