import json
import math

import pytest

from potbench.speed.data import DataReport, loading_speed, measure
from potbench.speed.large_store import LargeStore
from potbench.speed.spread import Spread


@pytest.fixture(autouse=True)
def _short_passes(monkeypatch):
    monkeypatch.setattr("potbench.speed.data.FRAMES_IN_A_PASS", 4000)


class Counted:
    """A loader that counts how often it is gone through."""

    def __init__(self, loader):
        self.loader = loader
        self.epochs = 0

    def __iter__(self):
        self.epochs += 1
        return iter(self.loader)


def test_a_pass_goes_over_enough_frames_and_the_first_one_does_not_count(sample, monkeypatch):
    data = sample(64)
    counted = Counted(data.train_dataloader())
    monkeypatch.setattr(data, "train_dataloader", lambda: counted)
    # the first pass takes ten seconds, the others one and two
    monkeypatch.setattr("time.perf_counter", iter([0.0, 10.0, 10.0, 11.0, 11.0, 13.0]).__next__)
    epochs = math.ceil(4000 / len(data.indices.train))
    num_frames = epochs * len(data.indices.train)
    assert loading_speed(data, num_passes=2) == Spread.of([num_frames, num_frames / 2])
    assert counted.epochs == 3 * epochs


def test_the_large_store_is_drawn_from_in_the_batches_of_the_loader(sample, monkeypatch):
    asked = []
    monkeypatch.setattr("potbench.speed.data.measure_apart", lambda folder, *numbers: asked.append(numbers))
    report = measure(sample(64), num_passes=2, num_frames=3000, num_batches=12)
    assert asked == [(3000, 64, 12)]
    assert report.data.startswith("sample: ")
    assert 0 < report.frames_per_second.lowest <= report.frames_per_second.highest


def test_the_large_store_can_be_left_out(sample, tmp_path, capsys):
    report = measure(sample(2048), num_passes=1, num_frames=0, num_batches=1)
    report.show()
    assert "Time to open" not in capsys.readouterr().out
    report.save(tmp_path / "speed.json")
    assert "large_store" not in json.loads((tmp_path / "speed.json").read_text())


def test_every_figure_is_printed_and_saved(tmp_path, capsys):
    growth = {"VmRSS": 81.0, "RssAnon": 17.0}
    large = LargeStore(4321, 2.5, False, 0.125, 3.5, 0.75, 67890.0, growth)
    report = DataReport(data="sample", frames_per_second=Spread(5000.0, 4000.0, 6000.0), large_store=large)
    report.show()
    printed = capsys.readouterr().out
    for figure in [
        *("5,000 (4,000 to 6,000)", "4,321 simulated frames", "2.5 GiB, not read before", "0.125 s"),
        *("81 MiB", "17 MiB", "67,890", "3.5 s", "0.8 s"),
    ]:
        assert figure in printed
    report.save(tmp_path / "speed.json")
    saved = json.loads((tmp_path / "speed.json").read_text())
    assert saved["frames_per_second"] == {"median": 5000.0, "lowest": 4000.0, "highest": 6000.0}
    assert saved["large_store"]["growth_mib"] == growth
    assert LargeStore(**saved["large_store"]) == large
