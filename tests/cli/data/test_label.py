from __future__ import annotations

from pathlib import Path

import ase.io
import pytest
from ase.build import molecule

from potbench.cli.main import main


def test_structures_are_computed_as_they_are_without_a_bar_where_there_is_no_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    ase.io.write(tmp_path / "water.xyz", molecule("H2O"))
    command = ["data", "label", str(tmp_path / "water.xyz"), "--calculator", "ase.calculators.emt.EMT"]
    assert main([*command, "--output", str(tmp_path / "labeled.xyz")]) == 0
    printed, warned = capsys.readouterr()
    assert "1 structures with energies in eV" in printed
    assert "━" not in printed
    assert warned == ""
    labeled = ase.io.read(tmp_path / "labeled.xyz")
    assert labeled.get_forces().shape == (3, 3)
