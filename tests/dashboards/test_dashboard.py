import pytest

from potbench.dashboards.dashboard import with_unit


@pytest.mark.parametrize(
    ("name", "unit", "expected"),
    [
        ("test/energy_mae", "kcal/mol", "test/energy_mae_kcal_per_mol"),
        ("energy_mae_mev", "meV", "energy_mae_meV"),
        ("energy_mae_per_atom", "kcal/mol/atom", "energy_mae_kcal_per_mol_per_atom"),
        ("energy_mae_per_atom_mev", "meV/atom", "energy_mae_meV_per_atom"),
        ("forces_rmse", "kcal/mol/Å", "forces_rmse_kcal_per_mol_per_A"),
        ("energy_mae", "e Å²", "energy_mae_e_A_"),
        ("energy_r2", "1", "energy_r2"),
    ],
)
def test_names_end_with_their_units_in_characters_that_every_dashboard_takes(name, unit, expected) -> None:
    assert with_unit(name, unit) == expected
