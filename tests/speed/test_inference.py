from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import all_changes
from ase.calculators.lj import LennardJones

from potbench.cli.main import main
from potbench.speed.inference import require_same_forces
from potbench.speed.rival import time_calls


class Counting(LennardJones):
    """Counts how often it computes."""

    calls = 0

    def calculate(self, atoms=None, properties=None, system_changes=all_changes):
        self.calls += 1
        super().calculate(atoms, properties, system_changes)


def test_every_call_of_a_turn_computes_once() -> None:
    calculator, ethanol = Counting(), molecule("CH3CH2OH")
    before = ethanol.positions.copy()
    assert time_calls(calculator, ethanol, calls=7) > 0
    assert calculator.calls == 7
    assert np.array_equal(ethanol.positions, before)


def test_calculators_of_different_forces_are_not_compared() -> None:
    with pytest.raises(ValueError, match=r"The forces of ANI differ by .* expected the same up to rounding"):
        require_same_forces("ANI", molecule("CH3CH2OH"), LennardJones(), LennardJones(epsilon=1.01))
    require_same_forces("ANI", molecule("CH3CH2OH"), LennardJones(), LennardJones(epsilon=1.00001))


@pytest.mark.slow
def test_libraries_and_potbench_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "speed.json"
    assert main(["speed", "inference", "--calls", "1", "--rounds", "1", "--json", str(file)]) == 0
    assert "TorchANI" in capsys.readouterr().out
    found = json.loads(file.read_text())["calls"]
    assert [(one["network"], one["package"], one["atoms"]) for one in found] == [
        (network, library, atoms)
        for network, library in (
            ("ANI", "TorchANI"),
            ("SchNet", "SchNetPack"),
            ("PaiNN", "SchNetPack"),
            ("sGDML", "sGDML"),
        )
        for atoms in (9, 21)
    ]
    for one in found:
        assert one["ratio"]["median"] == pytest.approx(one["ours"]["median"] / one["theirs"]["median"])
