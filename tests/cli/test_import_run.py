"""python -m potbench import mace."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import molecule

import potbench
from potbench.cli.main import main
from potbench.runs.record import Record
from tests.cli.conftest import CONFIGS, QUICK
from tests.native_files.mace_model import OFF, mace_model, write_mace
from tests.rivals import skip_without_package


class Runs:
    """Makes a folder as soon as it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_without_trust_in_this_very_file_nothing_in_it_runs(
    tmp_path: Path, refused: Callable[[list[str]], str]
) -> None:
    file, made = tmp_path / "some.model", tmp_path / "made"
    file.write_bytes(pickle.dumps(Runs(made)))
    command = ["import", "mace", str(file), "--run_dir", str(tmp_path / "run")]
    said = refused(command)
    assert f"({file.stat().st_size:,} bytes, sha256 {sha256(file)}) is a pickled program" in said
    assert said.endswith(f"--run_dir {tmp_path}/run --trust {sha256(file)}")
    other = "0" * 64
    assert "Expected the file that you trust. Nothing of it was read." in refused([*command, "--trust", other])
    assert not made.exists()
    pickle.loads(file.read_bytes())
    assert made.exists()  # and would have


def test_what_is_missing_is_said(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    assert refused(["import", "mace"]).startswith("FILE is missing. Expected a model that MACE saved")
    assert f"{tmp_path}/no.model cannot be used" in refused(["import", "mace", f"{tmp_path}/no.model"])
    file = tmp_path / "a.model"
    file.write_bytes(b"a")
    said = refused(["import", "mace", str(file), "--trust", sha256(file)])
    assert said == "--run_dir is missing. Expected a new folder for the run. Add --run_dir."


def test_what_was_imported_is_a_run_as_any_other(
    tmp_path: Path, refused: Callable[[list[str]], str], capsys: pytest.CaptureFixture[str]
) -> None:
    skip_without_package(Path("mace"))
    file, run = tmp_path / "off.model", tmp_path / "run"
    torch.manual_seed(0)
    write_mace(file, mace_model(**OFF))
    command = ["import", "mace", str(file), "--trust", sha256(file), *QUICK, "--run_dir", str(run)]
    assert main([*command, "--fit_reference_energies"]) == 0
    assert "Reference energies are fitted anew." in capsys.readouterr().out
    assert refused(command) == f"{run} already holds a run, and nothing is overwritten. Expected a new folder."
    record = Record.load(run)
    assert record.parent is not None
    assert (record.parent.checkpoint, record.parent.sha256) == (str(file), sha256(file))
    assert main(["test", str(run)]) == 0
    assert Record.load(run).metrics["test"]["forces_mae"].value is not None
    tuned = tmp_path / "tuned"
    one_step = ["--trainer.max_epochs", "1", "--trainer.limit_train_batches", "1", "--trainer.limit_val_batches", "1"]
    assert main(["fit", "--from", str(run), "--run_dir", str(tuned), *one_step]) == 0
    own = Record.load(tuned).parent
    assert own is not None
    assert (own.run, own.data, own.frames_seen) == (str(run), None, None)  # of the file nothing is known
    assert main(["test", str(tuned)]) == 0
    assert main(["report", str(run), str(tuned), "--output", str(tmp_path / "page")]) == 0
    page = (tmp_path / "page" / "report.md").read_text()
    assert "weights of off.model" in page
    before, after = (potbench.load(each).predict(molecule("CH3CH2OH")) for each in (run, tuned))
    assert 0 < np.abs(before.forces - after.forces).max() < 1


def test_data_and_training_that_do_not_suit_it_are_refused(tmp_path: Path, refused: Callable[[list[str]], str]) -> None:
    skip_without_package(Path("mace"))
    file = tmp_path / "off.model"
    write_mace(file, mace_model(**{**OFF, "atomic_numbers": [1, 6]}))
    command = ["import", "mace", str(file), "--trust", sha256(file), *QUICK, "--run_dir", str(tmp_path / "run")]
    assert f"has N, O, and {file} knows H, C alone. Expected data of these elements." in refused(command)
    solved = ["--config", str(CONFIGS / "training" / "least_squares.yaml")]
    assert "Expected potbench.training.GradientTask, which trains weights step by step." in refused([*command, *solved])
    assert not (tmp_path / "run").exists()
