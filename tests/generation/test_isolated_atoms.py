import json
from pathlib import Path

from potbench.generation.isolated_atoms import isolated_atom_energies
from potbench.generation.recipe import Recipe

RECIPE = Recipe("ase.calculators.emt.EMT", {}, "EMT", 300.0, seed=7)


def test_each_element_has_an_energy_or_none(tmp_path: Path):
    found = isolated_atom_energies([1, 8, 17], RECIPE, tmp_path / "atoms.json")
    assert list(found) == ["H", "O", "Cl"]
    assert found["H"] is not None
    # EMT does not know chlorine
    assert found["Cl"] is None


def test_those_computed_before_are_not_computed_again(tmp_path: Path):
    path = tmp_path / "atoms.json"
    path.write_text(json.dumps({"H": -13.6}))
    assert isolated_atom_energies([1], RECIPE, path) == {"H": -13.6}
    isolated_atom_energies([8], RECIPE, path)
    assert set(json.loads(path.read_text())) == {"H", "O"}
