import pytest

from potbench.speed.large_store import measure, measure_apart
from potbench.speed.simulated_store import Simulated


@pytest.mark.slow
def test_a_fresh_process_measures_the_same_things(tmp_path):
    apart = measure_apart(tmp_path, num_frames=2000, batch_size=100, num_batches=40)
    here = measure(tmp_path, num_frames=2000, batch_size=100, num_batches=2)
    assert apart.frames == here.frames == 2000
    assert apart.gib == here.gib
    (store,) = tmp_path.glob("simulated-*")
    arrays = sum((store / name).stat().st_size for name in ("energy.npy", "positions.npy"))
    assert apart.gib * 2**30 == pytest.approx(arrays, rel=1e-3)
    assert set(apart.growth_mib) == set(here.growth_mib)


@pytest.mark.slow
def test_drawing_from_a_store_too_large_to_map_does_not_fill_the_memory(tmp_path):
    # 100 MiB of positions, of which the batches touch nearly every page
    simulated = Simulated(600_000)
    apart = measure_apart(tmp_path, simulated.num_frames, batch_size=2048, num_batches=40)
    assert apart.in_page_cache
    assert apart.growth_mib["VmRSS"] < 60
