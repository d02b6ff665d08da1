import io
from pathlib import Path

import pytest
from rich.console import Console

from potbench.reporting.tables import four_decimals, print_table, three_digits


def quantity(value, unit):
    return {"value": value, "unit": unit}


ENERGY = {
    "energy_mae": quantity(0.5432, "kcal/mol"),
    "energy_rmse": quantity(1.2345, "kcal/mol"),
    "energy_r2": quantity(0.99973, "1"),
    "energy_mae_mev": quantity(23.556, "meV"),
    "energy_rmse_mev": quantity(53.533, "meV"),
    "energy_mae_per_atom_mev": quantity(1.1217, "meV/atom"),
}
FORCES = {
    "forces_mae": quantity(0.81, "kcal/mol/Å"),
    "forces_rmse": quantity(1.22, "kcal/mol/Å"),
    "forces_mae_mev": quantity(35.12, "meV/Å"),
    "forces_rmse_mev": quantity(52.91, "meV/Å"),
}
COST = {
    "num_parameters": 1234567,
    "throughput": quantity(12345.6, "frames/s"),
    "wall_time": quantity(5025.2, "s"),
    "peak_memory": quantity(1830.2, "MiB"),
    "budget": {"epochs": 100, "steps": 12500},
}


def printed(record, run=Path("run"), **arguments):
    stream = io.StringIO()
    print_table(record, run, console=Console(file=stream, width=80), **arguments)
    return stream.getvalue()


def rows(text):
    return [line.split() for line in text.splitlines() if line.strip()]


def test_every_error_stands_in_a_row_with_its_unit():
    lines = rows(printed({"metrics": {"test": ENERGY | FORCES}}))
    assert ["Unit", "MAE", "RMSE", "R²"] in lines
    assert ["Energy", "kcal/mol", "0.543", "1.23", "0.9997"] in lines
    assert ["Energy", "meV", "23.6", "53.5"] in lines
    assert ["Energy", "meV/atom", "1.12"] in lines
    assert ["Forces", "kcal/mol/Å", "0.810", "1.22"] in lines
    assert ["Forces", "meV/Å", "35.1", "52.9"] in lines


def test_energy_only_runs_have_no_rows_of_forces():
    assert "Forces" not in printed({"metrics": {"test": ENERGY}})


def test_what_the_run_took_is_printed_with_units():
    lines = rows(printed({"metrics": {"test": ENERGY}} | COST))
    assert ["Parameters", "1,234,567"] in lines
    assert ["Speed", "12,346", "frames/s"] in lines
    assert ["Wall", "time", "5,025", "s", "(1:23:45)"] in lines
    assert ["Peak", "memory", "1,830", "MiB"] in lines
    assert ["Budget", "100", "epochs,", "12,500", "steps"] in lines


def test_what_was_not_measured_is_left_out():
    record = {"metrics": {"test": ENERGY}, "peak_memory": quantity(None, "MiB"), "budget": {"epochs": 1, "steps": None}}
    text = printed(record)
    assert not {"Parameters", "Speed", "Peak", "None"} & set(text.split())
    assert ["Budget", "1", "epochs"] in rows(text)


def test_errors_of_a_diverged_run_are_called_not_finite():
    diverged = {name: quantity(None, entry["unit"]) for name, entry in ENERGY.items()}
    assert "not finite" in printed({"metrics": {"test": diverged}})


def test_the_tables_fit_eighty_columns_and_the_folder_is_never_wrapped_or_read_as_markup():
    run = Path("/scratch") / "a_long_name" / "of [bold] things" / ("x" * 90)
    lines = printed({"metrics": {"test": ENERGY | FORCES}} | COST, run).splitlines()
    assert lines[-1] == str(run)
    assert max(len(line) for line in lines[:-1]) <= 80


def test_the_errors_are_those_of_the_stage_asked_for():
    other = {"energy_mae": quantity(7.77, "kcal/mol")}
    record = {"metrics": {"validation": other, "test": ENERGY}}
    assert "7.77" in printed(record, stage="validation")
    assert "validation" in printed(record, stage="validation")
    assert "7.77" not in printed(record)


def test_a_missing_stage_says_which_there_are():
    with pytest.raises(ValueError, match=r"no errors of the stage 'test', expected one of: validation"):
        printed({"metrics": {"validation": ENERGY}})
    with pytest.raises(ValueError, match="none, the run was not measured yet"):
        printed({})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.00"),
        (0.04321, "0.0432"),
        (4.3, "4.30"),
        (99.97, "100"),
        (999.7, "1,000"),
        (12345.6, "12,346"),
        (-0.5, "-0.500"),
        (1e-7, "1.00e-07"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert three_digits(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.99973, "0.9997"), (-0.5, "-0.5000"), (-8315289.25, "-8,315,289")])
def test_r2_has_four_decimals_unless_it_is_absurd(value, text):
    assert four_decimals(value) == text


def test_how_far_test_and_training_frames_are_apart_is_said(capsys):
    record = {"metrics": {"test": {}}, "split": {"separation": {"text": "their nearest is 0.1 Å away"}}}
    print_table(record, Path("runs/x"))
    assert "Split: their nearest is 0.1 Å away." in capsys.readouterr().out
