from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from potbench.runs.provenance import git_commit, provenance
from potbench.runs.record import best_validation, in_units, quantity, read_record, write_record


def refuse_constants(name: str) -> None:
    raise AssertionError(f"record.json holds {name}, which is no JSON")


def strictly(run: Path) -> dict:
    return json.loads((run / "record.json").read_text(), parse_constant=refuse_constants)


@pytest.mark.parametrize(
    ("name", "unit", "in_mev"),
    [
        ("energy_mae", "kcal/mol", "meV"),
        ("energy_rmse", "kcal/mol", "meV"),
        ("energy_mae_per_atom", "kcal/mol/atom", "meV/atom"),
        ("forces_mae", "kcal/mol/Å", "meV/Å"),
        ("forces_rmse", "kcal/mol/Å", "meV/Å"),
    ],
)
def test_errors_are_given_in_kcal_per_mol_and_in_mev(name, unit, in_mev):
    found = in_units({name: 2.0})
    assert found[name] == {"value": 2.0, "unit": unit}
    assert found[f"{name}_mev"]["unit"] == in_mev
    assert found[f"{name}_mev"]["value"] == pytest.approx(2 * 43.3641, rel=1e-6)


@pytest.mark.parametrize("name", ["energy_r2", "loss"])
def test_what_has_no_unit_says_so(name):
    assert in_units({name: 0.5}) == {name: {"value": 0.5, "unit": "1"}}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_json_cannot_hold_is_null(value):
    assert quantity(value, "s") == {"value": None, "unit": "s"}
    assert in_units({"energy_mae": value})["energy_mae_mev"] == {"value": None, "unit": "meV"}


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    written = write_record(
        tmp_path,
        name="a run",
        statistics={"reference_energies": {1: -13.6, 8: -2042.6}, "energy_spread": np.float32(0.5)},
        split={"train": np.int64(5), "rule": None, "parts": (1, 2)},
        path=Path("some/where"),
    )
    assert written == read_record(tmp_path) == strictly(tmp_path)
    assert written["statistics"] == {"reference_energies": {"1": -13.6, "8": -2042.6}, "energy_spread": 0.5}
    assert written["split"] == {"train": 5, "rule": None, "parts": [1, 2]}


def test_nan_and_infinity_become_null_wherever_they_are(tmp_path):
    write_record(tmp_path, best_epoch=float("nan"), a={"b": [1.0, float("inf")], "c": np.float64("nan")})
    assert strictly(tmp_path)["best_epoch"] is None
    assert strictly(tmp_path)["a"] == {"b": [1.0, None], "c": None}


def test_units_with_special_letters_stay_readable(tmp_path):
    write_record(tmp_path, force=quantity(1.0, "kcal/mol/Å"))
    assert "kcal/mol/Å" in (tmp_path / "record.json").read_text()


def test_parts_are_merged_into_what_is_there(tmp_path):
    write_record(tmp_path, name="a run", metrics={"validation": {"loss": 1}}, best_epoch=3)
    write_record(tmp_path, metrics={"test": {"loss": 2}}, checkpoint={"test": "best.ckpt"})
    write_record(tmp_path, metrics={"test": {"mae": 3}})
    found = read_record(tmp_path)
    assert found["name"] == "a run"
    assert found["best_epoch"] == 3
    assert found["metrics"] == {"validation": {"loss": 1}, "test": {"mae": 3}}
    assert found["checkpoint"] == {"test": "best.ckpt"}


def test_a_part_may_replace_one_of_another_kind(tmp_path):
    write_record(tmp_path, metrics=None)
    assert write_record(tmp_path, metrics={"test": 1})["metrics"] == {"test": 1}


def test_provenance_says_what_it_was_computed_with():
    found = provenance()
    assert found["versions"]["torch"]
    assert found["versions"]["potbench"]
    assert found["machine"]["cores"] == os.cpu_count()
    assert "git_commit" in found


def killed_while_writing(run: Path) -> None:
    write_text = Path.write_text

    def half(self: Path, text: str, *arguments, **named) -> int:
        write_text(self, text[: len(text) // 2], *arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    Path.write_text = half
    write_record(run, name="new")


def test_a_killed_write_leaves_the_old_record(tmp_path):
    before = write_record(tmp_path, name="old")
    process = multiprocessing.get_context("fork").Process(target=killed_while_writing, args=(tmp_path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert read_record(tmp_path) == before
    assert write_record(tmp_path, name="new")["name"] == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


def test_a_folder_without_a_record_is_named(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        read_record(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} holds no record.json. Expected the folder of a finished run; change --run."
    )


@pytest.mark.parametrize("text", ["", '{"name": "a run", "metr'])
def test_a_damaged_record_is_named(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(ValueError, match="damaged") as caught:
        read_record(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'record.json'} is damaged (")
    assert str(caught.value).endswith(
        "Expected what potbench wrote. Delete it; `python -m potbench test --run` writes it anew."
    )


def validated(folder: Path, *losses: str) -> Path:
    """metrics.csv as training writes it: rows of training and rows of validation by turns."""
    file = folder / "metrics.csv"
    lines = ["epoch,step,train/loss,validation/energy_mae,validation/loss"]
    for epoch, loss in enumerate(losses):
        lines += [f"{epoch},{epoch * 3 + 2},,{epoch + 0.5},{loss}", f"{epoch},{epoch * 3 + 2},1.0,,"]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [
        (["0.5", "0.2", "0.4"], 1),
        (["0.2", "0.2"], 0),
        (["nan", "0.3", "0.2"], 2),
        (["0.3", "nan", "inf"], 0),
        (["9", "10"], 0),  # numbers, not text
    ],
)
def test_the_best_validation_is_the_first_with_the_smallest_loss(tmp_path, losses, epoch):
    assert best_validation(validated(tmp_path, *losses)) == {
        "epoch": epoch,
        "energy_mae": epoch + 0.5,
        "loss": float(losses[epoch]),
    }


@pytest.mark.parametrize("losses", [[], ["nan", "nan"], ["inf"]])
def test_without_a_finite_loss_there_is_no_best(tmp_path, losses):
    assert best_validation(validated(tmp_path, *losses)) == {}


def test_a_run_without_metrics_csv_has_no_best(tmp_path):
    assert best_validation(tmp_path / "metrics.csv") == {}


def test_in_no_repository_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() is None
