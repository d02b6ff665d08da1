import json

import h5py
import numpy as np

from potbench.cli.main import main
from potbench.datasets import ANI1, Sample
from potbench.speed.prepare import fill_database, measure_apart, sparse
from potbench.speed.simulated_ani1 import write_simulated


def test_what_is_printed_is_what_is_kept(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert (
        main(["speed", "prepare", "--turns", "1", "--database-frames", "30", "--frames", "0", "--json", str(file)]) == 0
    )
    kept = json.loads(file.read_text())
    printed = capsys.readouterr().out
    assert kept["ratio"]["median"] > 1
    assert f"{kept['database']['median']:,.0f}" in printed
    assert "simulated" not in kept


def test_the_database_holds_the_frames_with_energies_and_forces(tmp_path):
    from ase.db import connect

    frames = sparse(Sample(), 50)
    assert fill_database(tmp_path / "a.db", frames) == 45
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        rows = list(database.select())
    assert len(rows) == 45
    np.testing.assert_allclose(rows[0].data["forces"], frames[0].forces[0])
    np.testing.assert_allclose(rows[0].data["energy"], frames[0].energy[:1])


def test_a_simulated_file_is_read_like_a_real_one(tmp_path):
    with h5py.File(write_simulated(tmp_path, 12_345)) as root:
        assert len(root["gdb11_s08"]) == 5000
    blocks = list(ANI1(tmp_path, [8]).read())
    assert sum(len(block.energy) for block in blocks) == 12_345
    assert blocks[0].positions.shape[1:] == (15, 3)


def test_converting_is_measured_in_a_process_of_its_own(tmp_path):
    apart = measure_apart(tmp_path, 20_000)
    assert apart["frames"] == 20_000
    assert 50 < apart["highest_mib"] < 1000
