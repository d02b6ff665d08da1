"""`cost` measures a trained potential on test frames, and its record says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.cli.main import main
from potbench.loading import SplitIndices
from potbench.potentials.potential import Potential
from potbench.runs import inference_cost
from potbench.runs.folder import RunFolder
from potbench.runs.inference_cost import Effort, InferenceCost, measure
from potbench.runs.record import Record
from tests.cli.conftest import CONFIGS, QUICK

Refused = Callable[[list[str]], str]
Measured = list[tuple[Potential, Batch]]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Measured:
    """What is measured, quickly."""
    found: Measured = []

    def quickly(potential: Potential, batch: Batch) -> InferenceCost:
        found.append((potential, batch))
        return measure(potential, batch, Effort(1, 2, 0.01, 0.01, most_frames=8))

    monkeypatch.setattr(inference_cost, "measure", quickly)
    return found


def test_the_cost_joins_the_record_and_is_printed_with_units_range_and_machine(
    run_copy: Path, measured: Measured, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Record.load(run_copy)
    assert main(["cost", str(run_copy)]) == 0
    record = Record.load(run_copy)
    assert record.inference
    assert (record.inference.latency.unit, record.inference.structures) == ("ms", 16)
    assert record.inference.peak_memory.value is not None
    assert record.inference.peak_memory.value > 0
    assert record.inference.provenance.machine.threads == 1
    assert Record.from_json(record.to_json()) == record
    assert {**vars(record), "inference": None} == vars(before)
    printed = " ".join(capsys.readouterr().out.split())
    for text in ("Latency, one molecule ms", "µs/atom", "MiB", " – ", "16 test frames", "1 thread, torch", "cores"):
        assert text in printed


def test_the_structures_of_two_architectures_are_the_same_test_frames_from_small_to_large(
    run_copy: Path, tmp_path: Path, measured: Measured
) -> None:
    other = tmp_path / "other"
    pairwise = ["--model.potential", str(CONFIGS / "potential" / "pairwise.yaml")]
    assert main(["fit", *QUICK, *pairwise, "--data.root", str(tmp_path / "prepared"), "--run_dir", str(other)]) == 0
    for folder in (run_copy, other):
        assert main(["cost", str(folder), "--frames", "9"]) == 0
    (one, its_batch), (another, other_batch) = measured
    assert type(one) is not type(another)
    assert torch.equal(its_batch.frame, other_batch.frame)
    torch.testing.assert_close(its_batch.positions, other_batch.positions, rtol=0, atol=0)
    assert len(its_batch.frame) == 9
    assert np.isin(its_batch.frame, SplitIndices.load(RunFolder(run_copy).split).test).all()
    assert its_batch.atoms_per_molecule.diff().min() >= 0
    assert its_batch.cached is None


def test_another_checkpoint_is_measured_and_not_recorded(
    run_copy: Path, measured: Measured, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (run_copy / "record.json").read_text()
    for command, printed in (("cost", "Latency"), ("check", "laws hold")):
        assert main([command, str(run_copy), "--ckpt_path", "last"]) == 0
        said = capsys.readouterr().out
        assert printed in said
        assert f"The record is as it was: the run stands for {run_copy / 'checkpoints' / 'best.ckpt'}." in said
    assert (run_copy / "record.json").read_text() == text


@pytest.mark.parametrize("damage", [partial(Path.write_text, data="{"), Path.unlink])
def test_what_is_measured_is_printed_where_the_record_is_damaged_or_missing(
    run_copy: Path, measured: Measured, capsys: pytest.CaptureFixture[str], damage: Callable[[Path], object]
) -> None:
    damage(run_copy / "record.json")
    for command, printed in (("cost", "Latency"), ("check", "laws hold")):
        assert main([command, str(run_copy)]) == 0
        said = capsys.readouterr().out
        assert printed in said
        assert "This could not be recorded: " in said
        assert "record.json" in said


def test_what_cannot_be_measured_is_refused(run_copy: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert refused(["cost", str(run_copy), "--frames", "0"]) == "frames is 0, expected more than 0. Change --frames."
    assert refused(["cost", str(run_copy), "--threads", "0"]) == "threads is 0, expected more than 0. Change --threads."
    said = refused(["cost", str(run_copy), "--accelerator", "gpu"])
    assert said == "There is no GPU that torch can use. Expected cpu. Change --accelerator."
    assert "is no run: it has no config.yaml" in refused(["cost", str(run_copy.parent)])
    (run_copy / "checkpoints" / "best.ckpt").write_bytes(b"PK")
    assert "cannot be read as a checkpoint" in refused(["cost", str(run_copy)])
