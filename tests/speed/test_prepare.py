import json

import numpy as np
import pytest
from ase.db import connect

from potbench.datasets import Sample
from potbench.speed.large_file import LargeFile
from potbench.speed.prepare import PrepareReport, fill_database, measure, sparse
from potbench.speed.spread import Spread


def test_a_store_is_written_faster_than_a_database():
    report = measure(Sample(), num_turns=1, database_frames=30, num_frames=0)
    assert report.data == "sample"
    assert report.ratio.median == pytest.approx(report.store.median / report.database.median)
    assert report.ratio.median > 1
    assert report.simulated is None


def test_every_figure_is_printed_and_saved(tmp_path, capsys):
    report = PrepareReport(
        data="sample",
        store=Spread(50_000.0, 40_000.0, 60_000.0),
        database=Spread(2_000.0, 1_000.0, 3_000.0),
        ratio=Spread(25.0, 20.0, 30.0),
        simulated=LargeFile(10_000, 2.5, 412.0),
    )
    report.show()
    printed = capsys.readouterr().out
    for figure in [
        *("sample: converted", "50,000 (40,000 to 60,000)", "2,000 (1,000 to 3,000)", "25 (20 to 30)"),
        *("10,000 simulated frames", "2.5 s, 4,000 a second", "412 MiB"),
    ]:
        assert figure in printed
    report.save(tmp_path / "speed.json")
    saved = json.loads((tmp_path / "speed.json").read_text())
    assert saved["ratio"] == {"median": 25.0, "lowest": 20.0, "highest": 30.0}
    assert saved["simulated"] == {"frames": 10_000, "seconds": 2.5, "highest_mib": 412.0}


def test_the_database_holds_the_frames_with_energies_and_forces(tmp_path):
    frames = sparse(Sample(), 50)
    assert fill_database(tmp_path / "a.db", frames) == 45
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        rows = list(database.select())
    assert len(rows) == 45
    np.testing.assert_allclose(rows[0].data["forces"], frames[0].forces[0])
    np.testing.assert_allclose(rows[0].data["energy"], frames[0].energy[:1])
