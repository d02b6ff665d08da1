from __future__ import annotations

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT
from ase.io import read

from potbench.datasets import ExtendedXYZ
from potbench.errors import GenerationError
from potbench.generation.labeling import label
from potbench.generation.recipe import Recipe

EMT_RECIPE = Recipe("ase.calculators.emt.EMT", {}, "EMT of ASE", 300.0, seed=0)


def test_labels_are_those_of_the_calculator_and_the_file_is_a_dataset(tmp_path):
    structures = [molecule("H2O"), molecule("CH3OH")]
    structures[0].info["predicted_energy"] = 7.0
    label(structures, tmp_path / "a.xyz", EMT_RECIPE)
    for found, atoms in zip(read(tmp_path / "a.xyz", ":"), structures, strict=True):
        atoms.calc = EMT()
        assert found.get_potential_energy() == pytest.approx(atoms.get_potential_energy())
        np.testing.assert_allclose(found.get_forces(), atoms.get_forces(), atol=1e-7)
    dataset = ExtendedXYZ(tmp_path / "a.xyz")
    assert sorted(frames.energy[0] for frames in dataset.read()) == pytest.approx(
        sorted(atoms.get_potential_energy() for atoms in structures)
    )


def test_a_structure_that_cannot_be_computed_leaves_no_file(tmp_path):
    with pytest.raises(GenerationError, match="cannot compute structure 1, H4Si"):
        label([molecule("H2O"), molecule("SiH4")], tmp_path / "a.xyz", EMT_RECIPE)
    assert list(tmp_path.iterdir()) == []
