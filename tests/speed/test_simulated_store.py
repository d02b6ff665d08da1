import numpy as np

from potbench.loading.preparation import prepare
from potbench.speed.simulated_store import Simulated


def test_it_is_a_store_like_any_other(tmp_path):
    simulated = Simulated(5000)
    simulated.write_store(tmp_path)
    store = prepare(simulated, tmp_path)
    assert len(store) == 5000
    assert store.manifest.num_molecules == len(store.molecule_names) == 5000
    atoms = store.atoms_of(np.array([4999, 0]))
    assert atoms.rows[-1] == atoms.atoms_per_frame[1] - 1
    assert atoms.rows.max() == len(store.positions) - 1
    assert set(store.manifest.atomic_numbers) == {1, 6, 7, 8}
    assert 10 < len(store.positions) / len(store) < 20


def test_positions_take_no_room_on_disk(tmp_path):
    simulated = Simulated(300_000)
    simulated.write_store(tmp_path)
    file = (prepare(simulated, tmp_path).folder / "positions.npy").stat()
    assert file.st_size > 40 * 2**20
    assert file.st_blocks * 512 < file.st_size / 10
