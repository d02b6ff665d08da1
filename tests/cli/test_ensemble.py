from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from ase.build import molecule
from ase.io import read, write

import potbench
from potbench.cli.main import main
from potbench.loading import CalibrationSplit, RandomSplit, SplitIndices
from potbench.runs.checkpoint import sha256
from potbench.runs.parent import Parent
from potbench.runs.record import Record
from potbench.runs.written_places import stored

Make = Callable[[int], Path]


@pytest.fixture(scope="module")
def make(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Number → a finished run with weights of its own, whose calibration frames no other has seen."""
    folder = tmp_path_factory.mktemp("members")

    def run(number: int) -> Path:
        made = folder / f"member_{number}"
        if made.exists():
            return made
        shutil.copytree(finished_run, made)
        content = torch.load(made / "checkpoints" / "best.ckpt", weights_only=True)
        generator = torch.Generator().manual_seed(number)
        for name, values in content["state_dict"].items():
            if ".readout." in name:
                values += 0.02 * torch.randn(values.shape, generator=generator)
        torch.save(content, made / "checkpoints" / "best.ckpt")
        config = yaml.safe_load((made / "config.yaml").read_text())
        split = config["data"]["init_args"]["split"]
        arguments = {"split": split, "calibration": 16}
        config["data"]["init_args"]["split"] = {
            "class_path": "potbench.loading.CalibrationSplit",
            "init_args": arguments,
        }
        (made / "config.yaml").write_text(yaml.safe_dump(config))
        record = Record.load(made)
        store = stored(record.data, config["data"]["init_args"]["root"])
        assert store is not None
        CalibrationSplit(RandomSplit(**split["init_args"]), 16).divide(store).save(made / "split.npz")
        return made

    return run


@pytest.fixture(scope="module")
def ensemble(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an ensemble of four, tested; read, never changed."""
    folder = tmp_path_factory.mktemp("ensemble") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder.parent / "prepared"))
        assert main(["ensemble", *(str(make(number)) for number in range(4)), "--run_dir", str(folder)]) == 0
        assert main(["test", str(folder)]) == 0
    return folder


def test_an_ensemble_is_a_run_whose_record_names_its_members(ensemble: Path, make: Make) -> None:
    record = Record.load(ensemble)
    assert record.ensemble is not None
    assert [(member.run, member.sha256) for member in record.ensemble.members] == [
        (str(make(number)), sha256(make(number) / "checkpoints" / "best.ckpt")) for number in range(4)
    ]
    assert record.budget is not None
    assert record.budget.steps == 4 * Record.load(make(0)).budget.steps  # type: ignore[union-attr]


def test_factors_are_found_on_the_calibration_frames_and_loaded_with_the_ensemble(ensemble: Path) -> None:
    record = Record.load(ensemble)
    assert record.ensemble is not None
    assert record.ensemble.calibration == len(SplitIndices.load(ensemble / "split.npz").calibration) == 16
    loaded = potbench.load(ensemble)
    assert float(loaded.energy_factor) == record.ensemble.energy_factor != 1
    assert float(loaded.forces_factor) == record.ensemble.forces_factor != 1


def test_a_test_measures_calibration_before_and_after(ensemble: Path) -> None:
    predictions = np.load(ensemble / "predictions.npz")
    found = Record.load(ensemble).spreads["energy"]
    spreads, errors = predictions["energy_spread"], predictions["predicted_energy"] - predictions["energy"]
    assert found.after is not None
    for state, factor in ((found.before, 1.0), (found.after, found.after.factor)):
        scaled = factor * spreads / predictions["spread_factors"][0]
        assert state.mean_z2 == pytest.approx(np.mean((errors / scaled) ** 2))
    assert (ensemble / "figures" / "calibration.png").is_file()


def test_predictions_in_a_file_have_spreads(ensemble: Path, tmp_path: Path) -> None:
    write(tmp_path / "m.xyz", [molecule("H2O"), molecule("CH4")])
    assert (
        main(["predict", str(ensemble), "--input", str(tmp_path / "m.xyz"), "--output", str(tmp_path / "p.xyz")]) == 0
    )
    potential = potbench.load(ensemble)
    for atoms in read(tmp_path / "p.xyz", ":"):
        expected = potential.predict(atoms)
        assert atoms.info["energy_spread"] == pytest.approx(expected.energy_spread, rel=1e-3)
        np.testing.assert_allclose(atoms.arrays["forces_spread"], expected.forces_spread, rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_a_report_shows_the_calibration_of_an_ensemble_beside_its_members(
    ensemble: Path, finished_run: Path, tmp_path: Path
) -> None:
    assert main(["report", str(ensemble), str(finished_run), "--output", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "report.md").read_text()
    assert "## Ensemble calibration" in page
    assert "4 × AEV + FeedForward" in page
    assert "Miscalibration area" in page
    assert (tmp_path / "page" / "figures" / "calibration_1.svg").is_file()


def test_runs_loaded_together_are_the_ensemble_without_calibration(ensemble: Path, make: Make) -> None:
    together, of = potbench.load([make(number) for number in range(4)]), potbench.load(ensemble)
    one, other = together.predict(molecule("CH4")), of.predict(molecule("CH4"))
    assert one.energy == pytest.approx(other.energy)
    assert one.energy_spread * float(of.energy_factor) == pytest.approx(other.energy_spread)
    assert together.trained_on is not None


def change_record(run: Path, **facts: object) -> None:
    record = json.loads((run / "record.json").read_text())
    for name, value in facts.items():
        if name == "unit":
            record["data"]["units"]["energy"] = value
        elif name == "budget":
            record["budget"] = value
        else:
            record["data"][name] = value
    (run / "record.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"theory": "Hartree-Fock"}, "differ in their level of theory: "),
        ({"unit": "hartree"}, "differ in their units: eV and hartree"),
        ({"fingerprint": "0" * 64}, "differ in their data"),
        ({"budget": None}, "is not finished: its training is interrupted"),
    ],
)
def test_members_that_do_not_belong_together_are_refused(
    facts: dict[str, object], said: str, make: Make, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    shutil.copytree(make(1), tmp_path / "other")
    change_record(tmp_path / "other", **facts)
    printed = refused(["ensemble", str(make(0)), str(tmp_path / "other"), "--run_dir", str(tmp_path / "new")])
    assert said in printed
    assert not (tmp_path / "new").exists()


def test_what_would_be_no_ensemble_is_refused(
    make: Make, ensemble: Path, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    first, new = str(make(0)), ["--run_dir", str(tmp_path / "new")]
    assert "RUN is missing. Expected folders of two finished runs" in refused(["ensemble", *new])
    assert "An ensemble of 1 run has no spread" in refused(["ensemble", first, *new])
    assert "have the same weights" in refused(["ensemble", first, first, *new])
    assert "already holds a run" in refused(["ensemble", first, str(make(1)), "--run_dir", str(ensemble)])
    assert f"{ensemble} is an ensemble itself" in refused(["ensemble", first, str(ensemble), *new])


def test_the_same_weights_in_another_file_are_refused(
    make: Make, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    again = tmp_path / "again"
    shutil.copytree(make(0), again)
    content = torch.load(again / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save({**content, "global_step": content["global_step"] + 1}, again / "checkpoints" / "best.ckpt")
    printed = refused(["ensemble", str(make(0)), str(make(1)), str(again), "--run_dir", str(tmp_path / "new")])
    assert f"{make(0)} and {again} have the same weights" in printed


def test_a_test_frame_that_another_member_trained_on_is_refused(
    make: Make, tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    shutil.copytree(make(1), tmp_path / "other")
    sets = SplitIndices.load(make(0) / "split.npz")
    SplitIndices(sets.test, sets.validation, sets.train).save(tmp_path / "other" / "split.npz")
    printed = refused(["ensemble", str(make(0)), str(tmp_path / "other"), "--run_dir", str(tmp_path / "new")])
    assert "test frames of members trained or validated other members" in printed


@pytest.fixture
def tuned(make: Make, tmp_path: Path) -> list[str]:
    """Four members whose weights come from a run that was trained on three test and five calibration frames of them."""
    shutil.copytree(make(0), tmp_path / "parent")
    sets = SplitIndices.load(make(0) / "split.npz")
    SplitIndices(np.r_[sets.test[:3], sets.calibration[:5]], sets.validation, sets.test[3:]).save(
        tmp_path / "parent" / "split.npz"
    )
    members = [tmp_path / f"tuned_{number}" for number in range(4)]
    for number, member in enumerate(members):
        shutil.copytree(make(number), member)
        record = Record.load(member)
        best = str(tmp_path / "parent" / "checkpoints" / "best.ckpt")
        fingerprint = record.data.fingerprint
        parent = Parent(str(tmp_path / "parent"), best, "89ab", record.data.name, fingerprint, (), 3)
        replace(record, parent=parent).save(member)
    return [str(member) for member in members]


def test_test_frames_that_parents_of_members_saw_are_counted_and_said(
    tuned: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    assert main(["ensemble", *tuned, "--run_dir", str(tmp_path / "new")]) == 0
    record = Record.load(tmp_path / "new")
    assert record.seen_before == 3
    assert {parent.run for parent in record.parents} == {str(tmp_path / "parent")}
    assert f"3 of the {record.split.test:,} test frames were trained or validated on" in capsys.readouterr().out


def test_calibration_frames_that_parents_of_members_saw_are_left_out(
    tuned: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    assert main(["ensemble", *tuned, "--run_dir", str(tmp_path / "new")]) == 0
    made = Record.load(tmp_path / "new").ensemble
    assert made is not None
    assert made.calibration == 16 - 5
    assert "5 others were trained or validated on by runs" in capsys.readouterr().out
    shutil.rmtree(tmp_path / "parent")  # what it saw is not known any more
    assert main(["ensemble", *tuned, "--run_dir", str(tmp_path / "again")]) == 0
    made = Record.load(tmp_path / "again").ensemble
    assert made is not None
    assert (made.calibration, made.energy_factor, made.forces_factor, made.frames_seen) == (0, None, None, 3)
    assert "or such a run is gone, and what it saw is not known" in capsys.readouterr().out


def test_a_pair_is_not_calibrated_and_says_so(
    make: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    assert main(["ensemble", str(make(0)), str(make(1)), "--run_dir", str(tmp_path / "pair")]) == 0
    assert "not calibrated: that takes 4 members" in capsys.readouterr().out
    assert Record.load(tmp_path / "pair").ensemble.energy_factor is None  # type: ignore[union-attr]
