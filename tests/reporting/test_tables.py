import io

from rich.console import Console

from potbench.reporting.tables import cost_table, error_table
from potbench.units import Quantity

ENERGY = {
    "energy_mae": Quantity(0.5432, "kcal/mol"),
    "energy_rmse": Quantity(1.2345, "kcal/mol"),
    "energy_r2": Quantity(0.99973, "1"),
    "energy_mae_mev": Quantity(23.556, "meV"),
    "energy_rmse_mev": Quantity(53.533, "meV"),
    "energy_mae_per_atom_mev": Quantity(1.1217, "meV/atom"),
}
FORCES = {
    "forces_mae": Quantity(0.81, "kcal/mol/Å"),
    "forces_rmse": Quantity(1.22, "kcal/mol/Å"),
    "forces_mae_mev": Quantity(35.12, "meV/Å"),
    "forces_rmse_mev": Quantity(52.91, "meV/Å"),
}
COSTS = {
    "Speed": Quantity(12345.6, "frames/s"),
    "Wall time": Quantity(5025.2, "s"),
    "Peak memory": Quantity(1830.2, "MiB"),
}
BUDGET = {"epochs": 100, "steps": 12500, "frames": 1_250_000}


def printed(table):
    stream = io.StringIO()
    Console(file=stream, width=80).print(table)
    return stream.getvalue()


def rows(table):
    return [line.split() for line in printed(table).splitlines() if line.strip()]


def test_every_error_stands_in_a_row_with_its_unit():
    lines = rows(error_table(ENERGY | FORCES, "Errors"))
    assert ["Unit", "MAE", "RMSE", "R²"] in lines
    assert ["Energy", "kcal/mol", "0.543", "1.23", "0.9997"] in lines
    assert ["Energy", "meV", "23.6", "53.5"] in lines
    assert ["Energy", "meV/atom", "1.12"] in lines
    assert ["Forces", "kcal/mol/Å", "0.810", "1.22"] in lines
    assert ["Forces", "meV/Å", "35.1", "52.9"] in lines


def test_energy_only_runs_have_no_rows_of_forces():
    assert "Forces" not in printed(error_table(ENERGY, "Errors"))


def test_without_any_error_the_table_is_empty():
    assert rows(error_table({}, "Errors of nothing"))[0] == ["Errors", "of", "nothing"]


def test_errors_of_a_diverged_run_are_called_not_finite():
    diverged = {name: Quantity(None, error.unit) for name, error in ENERGY.items()}
    assert "not finite" in printed(error_table(diverged, "Errors"))


def test_what_the_run_took_is_printed_with_units():
    lines = rows(cost_table(1_234_567, COSTS, BUDGET))
    assert ["Parameters", "1,234,567"] in lines
    assert ["Speed", "12,346", "frames/s"] in lines
    assert ["Wall", "time", "5,025", "s", "(1:23:45)"] in lines
    assert ["Peak", "memory", "1,830", "MiB"] in lines
    assert ["Budget", "100", "epochs,", "12,500", "steps,", "1,250,000", "frames"] in lines


def test_what_was_not_measured_is_left_out():
    assert rows(cost_table(None, {"Peak memory": Quantity(None, "MiB")}, {"epochs": 1})) == [["Budget", "1", "epochs"]]
    assert rows(cost_table(None, {}, {})) == []


def test_the_tables_fit_eighty_columns():
    for table in (error_table(ENERGY | FORCES, "Errors"), cost_table(1, COSTS, BUDGET)):
        assert max(len(line) for line in printed(table).splitlines()) <= 80
