from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from torch import Tensor

from potbench import __version__
from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.inference.export import METADATA, save, traced
from potbench.potentials import SGDML, Potential
from tests.inference.toy import Springs
from tests.physics.potentials import CONFIGS, build
from tests.runs.small_checkpoint import small_potential

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
WITHOUT_POTBENCH = """
import sys

class Blocked:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {"potbench", "torchani", "schnetpack", "lightning"}:
            raise ImportError(f"{name} is imported")

sys.meta_path.insert(0, Blocked())
"""


def small_in_double() -> Potential:
    potential = small_potential().double()
    potential.get_buffer("offset").copy_(torch.tensor([-13.6, -1029.9, -2042.6]))
    return potential


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    potential, file = small_in_double(), tmp_path_factory.mktemp("exported") / "small.pt2"
    save(traced(potential), potential, file, "0123")
    return file


class Read(NamedTuple):
    program: torch.nn.Module
    about: dict[str, Any]


@pytest.fixture(scope="module")
def read(file: Path) -> Read:
    said = {METADATA: ""}
    program = torch.export.load(file, extra_files=said).module()
    return Read(program, json.loads(said[METADATA]))


def run(program: torch.nn.Module, atoms: Atoms) -> tuple[Tensor, Tensor]:
    energy, forces = program(torch.from_numpy(atoms.numbers), torch.from_numpy(atoms.positions))
    return energy, forces


def largest_difference(program: torch.nn.Module, potential: Potential, atoms: Atoms) -> float:
    """Of energy in eV and of forces in eV/Å."""
    energy, forces = run(program, atoms)
    assert (energy.dtype, forces.dtype, energy.shape) == (torch.float64, torch.float64, ())
    assert not energy.requires_grad
    assert not forces.requires_grad
    expected = potential.predict(atoms)
    return max(abs(energy.item() - expected.energy), np.abs(forces.numpy() - expected.forces).max())


@pytest.mark.slow
def test_a_process_without_potbench_computes_the_same(file: Path, tmp_path: Path) -> None:
    """By the code of the page."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    code = WITHOUT_POTBENCH + code.replace("methanol.pt2", str(file)) + "print(json.dumps(forces.tolist()))"
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    water = Atoms("OHH", [[0, 0, 0.12], [0, 0.76, -0.48], [0, -0.76, -0.48]])
    expected = small_in_double().predict(water)
    assert np.array(json.loads(done.stdout.splitlines()[-1])) == pytest.approx(expected.forces, abs=1e-10)
    assert f"tensor({expected.energy:.4f}" in done.stdout


def test_molecules_of_any_size_and_order_have_the_energies_and_forces_of_the_potential(read: Read) -> None:
    potential = small_in_double()
    far = Atoms("OHH", [[0, 0, 0], [0, 0, 1.0], [0, 4.4, 0]])  # beyond the angular cutoff
    farther = Atoms("OHHC", [[0, 0, 0], [0, 0, 1.0], [0, 9.0, 0], [0, 9.0, 1.1]])  # beyond both
    for atoms in (molecule("H2"), molecule("CH3CH2OH"), molecule("CH3CH2OH")[::-1], molecule("C6H6"), far, farther):
        assert largest_difference(read.program, potential, atoms) < 1e-9


def test_an_unknown_element_is_refused_in_words(read: Read) -> None:
    for symbols in ("SiO", "XO"):
        with pytest.raises(RuntimeError, match=r"does not know these atoms\. Expected elements among H, C, O"):
            run(read.program, Atoms(symbols, [[0, 0, 0], [0, 0, 1.6]]))


def test_the_file_says_what_it_is(read: Read) -> None:
    about = read.about
    assert about["elements"] == ["H", "C", "O"]
    assert about["cutoff"] == 5.2
    assert about["units"] == {"positions": "Å", "cutoff": "Å", "energy": "eV", "forces": "eV/Å"}
    assert (about["potbench"], about["checkpoint_sha256"]) == (__version__, "0123")
    assert about["precision"] == "float64"


def test_the_potential_stays_as_it_is() -> None:
    potential = Springs(["H", "O"])
    potential.weight = torch.nn.Parameter(torch.ones(()))
    program = traced(potential).module()
    assert potential.weight.requires_grad
    assert largest_difference(program, potential, molecule("H2O")) < 1e-9


class Branching(Springs):
    """Computes something else for large molecules."""

    def atomic_energies(self, batch: Batch, element: Tensor) -> Tensor:
        energies = super().atomic_energies(batch, element)
        return energies if batch.positions.abs().max() > 3 else 2 * energies


def test_a_program_that_does_not_fit_on_the_disk_leaves_no_file(tmp_path: Path) -> None:
    program = torch.export.export(torch.nn.Linear(100, 100), (torch.zeros(1, 100),))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            save(program, small_potential(), tmp_path / "exported.pt2", "0")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_what_depends_on_values_is_refused_with_the_reason() -> None:
    with pytest.raises(
        SettingError, match=r"The Branching cannot be exported \(.*guard.*\)\. Expected one whose parts"
    ):
        traced(Branching(["H", "O"]))


@pytest.mark.slow
@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_every_architecture_can_be_exported(config: Path) -> None:
    potential = build(config, seed=0)
    if config.stem in {"mace", "graph_pes"}:  # torch cannot trace what their packages compile or branch on
        with pytest.raises(SettingError, match="cannot be exported"):
            traced(potential)
        return
    program = traced(potential).module()
    if isinstance(potential, SGDML):
        numbers = potential.atomic_numbers.numpy()
        atoms = Atoms(numbers, 2 * np.random.default_rng(0).normal(size=(len(numbers), 3)))
        assert largest_difference(program, potential, atoms) < 1e-6
        with pytest.raises(RuntimeError, match=r"Expected the atomic numbers \[6, 8, 1, 1, 1, 1\], in this order"):
            run(program, atoms[::-1])
        return
    for atoms in (molecule("H2"), molecule("H2O"), molecule("CH3CH2OH"), molecule("C6H6")):
        assert largest_difference(program, potential, atoms) < 1e-6
