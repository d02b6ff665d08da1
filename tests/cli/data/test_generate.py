from __future__ import annotations

from pathlib import Path

import ase.io
import pytest
from ase.build import molecule

from potbench.cli.main import main
from potbench.datasets import Generated

EMT = ["--calculator", "ase.calculators.emt.EMT"]


def generate(*arguments: str) -> int:
    return main(["data", "generate", *arguments])


def test_a_dataset_is_made_of_names_and_structure_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    ase.io.write(tmp_path / "water.xyz", molecule("H2O"))
    file = tmp_path / "data.h5"
    molecules = ["--molecules", str(tmp_path / "water.xyz"), "NH3"]
    assert generate(*molecules, *EMT, "--frames", "3", "--output", str(file)) == 0
    dataset = Generated(file)
    assert [(frames.molecule, len(frames.energy)) for frames in dataset.read()] == [("water", 3), ("NH3", 3)]
    assert dataset.manifest.command.startswith(f"python -m potbench data generate --molecules {tmp_path}/water.xyz NH3")
    assert (dataset.manifest.seed, dataset.manifest.temperature) == (0, 1000.0)
    printed = capsys.readouterr().out
    assert "water: 3 frames in " in printed
    assert "━" not in printed  # bars are for terminals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--molecules", "CO2", *EMT], "CO2: The energy falls along a mode of"),
        (["--molecules", "CH3NH2", *EMT], "'CH3NH2' is no molecule of ASE's g2 collection and no file"),
        (["--molecules", "H2O", "--calculator", "no.Such"], "needs the module no, which is not installed"),
        (["--molecules", "H2O", *EMT, "--frames", "0"], "frames is 0, expected at least 1"),
        (["--molecules", "H2O", *EMT, "--temperature", "0"], "temperature is 0.0, expected more than 0"),
        (["--molecules", "H2O", *EMT, "--seed", "-1"], "seed is -1, expected 0 or more"),
    ],
)
def test_what_cannot_be_generated_is_said(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
):
    assert generate(*arguments, "--output", str(tmp_path / "data.h5")) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "data.h5").exists()
