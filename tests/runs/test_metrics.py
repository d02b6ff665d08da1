from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import RecordError
from potbench.runs.metrics import best_validation, in_units, read_curves
from potbench.units import Quantity


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
def test_errors_are_given_in_kcal_per_mol_and_in_mev(name: str, unit: str, in_mev: str) -> None:
    found = in_units({name: 2.0})
    assert found[name] == Quantity(2.0, unit)
    assert found[f"{name}_mev"].unit == in_mev
    assert found[f"{name}_mev"].value == pytest.approx(2 * 43.3641, rel=1e-6)


def test_another_property_in_the_place_of_energies_keeps_its_unit() -> None:
    assert in_units({"energy_mae": 2.0}, "D") == {"energy_mae": Quantity(2.0, "D")}


@pytest.mark.parametrize("name", ["energy_r2", "loss"])
def test_what_has_no_unit_says_so(name: str) -> None:
    assert in_units({name: 0.5}) == {name: Quantity(0.5, "1")}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_has_no_value(value: float) -> None:
    assert in_units({"energy_mae": value})["energy_mae_mev"] == Quantity(None, "meV")


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
def test_the_best_validation_is_the_first_with_the_smallest_loss(tmp_path: Path, losses: list[str], epoch: int) -> None:
    assert best_validation(validated(tmp_path, *losses)) == (
        epoch,
        {"energy_mae": epoch + 0.5, "loss": float(losses[epoch])},
    )


@pytest.mark.parametrize("losses", [[], ["nan", "nan"], ["inf"]])
def test_without_a_finite_loss_there_is_no_best(tmp_path: Path, losses: list[str]) -> None:
    assert best_validation(validated(tmp_path, *losses)) == (None, {})


def test_the_best_of_several_validations_in_an_epoch_counts(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,step,validation/loss\n0,1,0.5\n0,2,0.1\n0,3,0.3\n")
    assert best_validation(file) == (0, {"loss": 0.1})


def test_curves_are_read_by_epoch_with_empty_fields_left_out(tmp_path: Path) -> None:
    curves = read_curves(validated(tmp_path, "0.5", "", "nan"))
    assert curves["train/loss"] == {0: 1.0, 1: 1.0, 2: 1.0}
    assert curves["validation/energy_mae"] == {0: 0.5, 1: 1.5, 2: 2.5}
    assert set(curves["validation/loss"]) == {0, 2}


def test_rows_without_an_epoch_belong_to_no_curve(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    file.write_text("epoch,train/loss,lr\n,,0.1\n0,0.5,\n")
    assert read_curves(file) == {"train/loss": {0: 0.5}}


def test_half_a_line_that_a_killed_process_left_is_ignored(tmp_path: Path) -> None:
    file = validated(tmp_path, "0.5", "0.4")
    with file.open("a") as stream:
        stream.write("2,8,,0.1,1e")
    assert best_validation(file)[0] == 1
    assert set(read_curves(file)["validation/energy_mae"]) == {0, 1}


def test_a_run_without_metrics_csv_has_neither_curves_nor_a_best_epoch(tmp_path: Path) -> None:
    assert read_curves(tmp_path / "metrics.csv") == {}
    assert best_validation(tmp_path / "metrics.csv") == (None, {})


@pytest.mark.parametrize(
    "content",
    [b"epoch,validation/loss\n0,abc\n", b"epoch,validation/loss\nx,0.5\n", b"epoch\n0,0.5\n", b"\xff\xfe\n0\n"],
)
def test_a_damaged_metrics_csv_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "metrics.csv"
    file.write_bytes(content)
    for read in (read_curves, best_validation):
        with pytest.raises(RecordError) as caught:
            read(file)
        assert str(caught.value).startswith(f"{file} is damaged (")
