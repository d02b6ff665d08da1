import json
from dataclasses import replace

import pytest
import torch

from potbench.speed.data import DataReport
from potbench.speed.report import describe
from potbench.speed.spread import Spread


@pytest.fixture
def report() -> DataReport:
    return DataReport(data="sample", frames_per_second=Spread(1.0, 1.0, 1.0), large_store=None)


def test_a_report_says_on_which_machine_and_with_which_libraries(report, tmp_path, capsys):
    report.show()
    printed = " ".join(capsys.readouterr().out.split())
    report.save(tmp_path / "deep" / "speed.json")
    saved = json.loads((tmp_path / "deep" / "speed.json").read_text())
    assert f"{torch.get_num_threads()} threads" in printed
    assert saved["machine"]["threads"] == torch.get_num_threads()
    for library in ("torch", "torchani", "schnetpack", "lightning"):
        assert f"{library} {saved['versions'][library]}" in printed


def test_an_accelerator_is_named(report, capsys):
    replace(report, machine=replace(report.machine, accelerator="H200")).show()
    assert "threads, H200; torch" in " ".join(capsys.readouterr().out.split())


def test_a_machine_without_accelerator_is_saved_as_such(report, tmp_path):
    replace(report, machine=replace(report.machine, accelerator=None)).save(tmp_path / "speed.json")
    assert json.loads((tmp_path / "speed.json").read_text())["machine"]["accelerator"] is None


def test_data_are_described_in_a_line(sample):
    data = sample(7)
    atoms = data.store.atoms_of(torch.arange(len(data.store)).numpy()).atoms_per_frame.mean()
    assert describe(data) == (
        f"sample: {len(data.indices.train):,} frames to train on, {atoms:.1f} atoms each on average, batches of up to 7"
    )
