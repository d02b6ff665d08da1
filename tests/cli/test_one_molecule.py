"""A potential that is solved, from one molecule's data to its predictions, by the same commands as any other."""

import csv
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write

from potbench.cli.main import main
from potbench.runs import inference_cost
from potbench.runs.checkpoint import load_potential
from potbench.runs.inference_cost import Effort
from potbench.runs.record import Record
from potbench.structures import Frames
from tests.cli.conftest import CONFIGS, QUICK, SMALL
from tests.native_files.one_molecule import sample_frames, write_one_molecule


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run on ammonia, solved and tested; read, never changed."""
    folder = tmp_path_factory.mktemp("sgdml")
    assert main([*fit(folder, "NH3"), "--run_dir", str(folder / "run")]) == 0
    assert main(["test", str(folder / "run")]) == 0
    return folder / "run"


def fit(folder: Path, molecule: str) -> list[str]:
    config = folder / "one_molecule.yaml"
    config.write_text(
        f"""
config: {CONFIGS / "training" / "closed_form.yaml"}
data:
  class_path: potbench.loading.AtomsDataModule
  init_args:
    dataset:
      class_path: potbench.datasets.Generated
      init_args: {{file: {write_one_molecule(folder / "molecule.h5", molecule)}}}
    split:
      class_path: potbench.loading.RandomSplit
    root: {folder / "prepared"}
model.init_args.potential: {CONFIGS / "potential" / "sgdml.yaml"}
"""
    )
    return ["fit", "--config", str(config), *SMALL]


def test_its_cost_is_measured_as_that_of_any_potential(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly = partial(inference_cost.measure, effort=Effort(1, 2, 0.01, 0.01, most_frames=8))
    monkeypatch.setattr(inference_cost, "measure", quickly)
    shutil.copytree(run, tmp_path / "copy")
    assert main(["cost", str(tmp_path / "copy")]) == 0
    found = Record.load(tmp_path / "copy").inference
    assert found is not None
    assert found.structures == 16
    assert 0 < found.latency.low <= found.latency.median <= found.latency.high < 1_000


def test_record_is_that_of_any_run(run: Path, finished_run: Path) -> None:
    record, other = (json.loads((folder / "record.json").read_text()) for folder in (run, finished_run))
    assert record.keys() == other.keys()
    assert record["metrics"].keys() == {"validation", "test"}
    assert record["metrics"]["test"].keys() == other["metrics"]["test"].keys()
    assert record["metrics"]["test"]["energy_mae_mev"]["value"] < 5
    assert record["metrics"]["test"]["forces_mae_mev"]["value"] < 50
    assert record["budget"] == {"epochs": 1, "steps": 1, "frames": 48}
    assert record["num_parameters"] == 48 * 4 * 3
    assert "sgdml" in record["provenance"]["versions"]
    assert {file.name for file in (run / "figures").iterdir()} == {"loss.png", "parity.png", "residuals.png"}
    with (run / "metrics.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 1


def test_best_and_last_are_what_was_validated(run: Path) -> None:
    before = json.loads((run / "record.json").read_text())["metrics"]["validation"]
    for name in ("best", "last"):
        assert main(["validate", str(run), "--ckpt_path", name]) == 0
        after = json.loads((run / "record.json").read_text())["metrics"]["validation"]
        assert after["forces_mae"]["value"] == pytest.approx(before["forces_mae"]["value"], rel=1e-6)


def test_predictions_are_near_the_truth(run: Path, tmp_path: Path) -> None:
    frames = sample_frames("NH3", end=20)
    write_structures(tmp_path / "in.xyz", frames)
    assert main(predict(run, tmp_path)) == 0
    images = read(tmp_path / "out.xyz", ":")
    errors = np.array([image.get_potential_energy() for image in images]) - frames.energy
    assert np.abs(errors).max() < 0.1 * frames.energy.std()
    assert np.array([image.get_forces() for image in images]) == pytest.approx(frames.forces, abs=0.3)


@pytest.mark.parametrize(
    ("frames", "given"),
    [
        (sample_frames("N2H4", end=1), "was given N N H H H H."),
        (sample_frames("NH3", end=1)._replace(atomic_numbers=np.array([1, 7, 1, 1])), "was given H N H H."),
    ],
)
def test_another_molecule_is_refused(run: Path, tmp_path: Path, refused, frames: Frames, given: str) -> None:  # type: ignore[no-untyped-def]
    write_structures(tmp_path / "in.xyz", frames)
    assert given in refused(predict(run, tmp_path))
    assert not (tmp_path / "out.xyz").exists()


def test_laws_hold_or_ask_about_other_molecules(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(run)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "15 of 18 laws hold" in printed
    assert "3 ask about molecules that the potential refuses." in printed
    assert printed.count("refused") == 3


def test_it_can_be_used_without_the_package_that_solved_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("potbench.potentials.sgdml_solver._trainer", pytest.fail)
    assert load_potential(run / "checkpoints" / "best.ckpt").num_parameters == 48 * 4 * 3


def test_many_molecules_are_refused(refused, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    closed_form = ["--config", str(CONFIGS / "training" / "closed_form.yaml")]
    potential = ["--model.potential", str(CONFIGS / "potential" / "sgdml.yaml")]
    said = refused(["fit", *QUICK, *closed_form, *potential, "--run_dir", str(tmp_path / "run")])
    assert "sGDML learns one molecule, its atoms in one order, and sample has 15: " in said
    assert said.endswith("Change data.init_args.dataset.")
    assert not (tmp_path / "run" / "checkpoints").exists()


def write_structures(file: Path, frames: Frames) -> None:
    write(file, [Atoms(frames.atomic_numbers, positions) for positions in frames.positions])


def predict(run: Path, folder: Path) -> list[str]:
    return ["predict", str(run), "--input", str(folder / "in.xyz"), "--output", str(folder / "out.xyz")]
