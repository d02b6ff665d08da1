from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.emt import EMT

from potbench.datasets import Generated
from potbench.errors import GenerationError, SettingError
from potbench.generation.generate import generate
from potbench.generation.molecules import find_molecules
from potbench.generation.recipe import Recipe
from potbench.generation.unfinished import UnfinishedWork

FRAMES = 60
RECIPE = Recipe("ase.calculators.emt.EMT", {}, "ase.calculators.emt.EMT", 300.0, seed=7)
MOLECULES = ["H2O", "NH3"]
# every frame is saved, so that a kill falls in the middle of a molecule
SCRIPT = f"""
import sys
from pathlib import Path
from potbench.generation import sampling
from potbench.generation.generate import generate
from potbench.generation.molecules import find_molecules
from potbench.generation.recipe import Recipe
sampling.SECONDS_BETWEEN_SAVES = 0.0
generate(Path(sys.argv[1]), find_molecules({MOLECULES}), {FRAMES}, {RECIPE})
"""


def make(output: Path, molecules: list[str] = MOLECULES, num_frames: int = FRAMES, recipe: Recipe = RECIPE) -> None:
    generate(output, find_molecules(molecules), num_frames, recipe, command="by a test")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def arrays(file: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}

    def collect(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(file) as source:
        source.visititems(collect)
    return found


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("unbroken") / "data.h5"
    make(file)
    return file


def test_a_killed_process_leaves_nothing_that_looks_finished_and_the_next_makes_the_same_file(
    tmp_path: Path, unbroken: Path
):
    file = tmp_path / "data.h5"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, file], stdout=subprocess.DEVNULL)
    begun = UnfinishedWork(file).molecule("H2O")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if begun.exists():
            with np.load(begun) as work:
                if len(work["energy"]) >= 5:
                    break
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    with np.load(begun) as work:
        assert 5 <= len(work["energy"]) < FRAMES
    assert names_in(tmp_path) == ["data.h5.partial"]

    make(file)
    assert arrays(file) == arrays(unbroken)
    assert names_in(tmp_path) == ["data.h5"]


def test_labels_are_those_of_the_calculator(unbroken: Path):
    for frames in Generated(unbroken).read():
        atoms = molecule(frames.molecule)
        for index in (0, FRAMES - 1):
            atoms.positions = frames.positions[index]
            atoms.calc = EMT()
            assert frames.energy[index] == atoms.get_potential_energy()
            assert np.array_equal(frames.forces[index], atoms.get_forces())


def test_frames_do_not_depend_on_the_other_molecules_or_on_how_many_are_made(tmp_path: Path, unbroken: Path):
    file = tmp_path / "data.h5"
    make(file, ["NH3"], 5)
    (few,) = Generated(file).read()
    ammonia = list(Generated(unbroken).read())[1]
    assert np.array_equal(few.positions, ammonia.positions[:5])
    assert np.array_equal(few.forces, ammonia.forces[:5])


def test_the_manifest_says_how_the_file_was_made(unbroken: Path):
    manifest = Generated(unbroken).manifest
    assert manifest.command == "by a test"
    assert manifest.citation.endswith(": by a test")
    assert manifest.theory == manifest.calculator == "ase.calculators.emt.EMT"
    assert (manifest.seed, manifest.temperature, manifest.num_frames) == (7, 300.0, 2 * FRAMES)
    assert list(manifest.molecules) == MOLECULES
    assert manifest.molecules["H2O"].frames == FRAMES
    assert {"python", "numpy", "ase", "h5py", "potbench"} <= set(manifest.versions)
    assert set(manifest.isolated_atom_energies) == {"H", "N", "O"}
    assert manifest.license == "not stated"
    assert manifest.units == {"energy": "eV", "positions": "Å", "forces": "eV/Å"}


def test_progress_is_told(tmp_path: Path):
    told: list[tuple[str, int]] = []
    said: list[str] = []
    generate(
        tmp_path / "data.h5",
        find_molecules(MOLECULES),
        2,
        RECIPE,
        advance=lambda name, num_frames: told.append((name, num_frames)),
        say=said.append,
    )
    assert told == [("H2O", 0), ("H2O", 1), ("H2O", 1), ("NH3", 0), ("NH3", 1), ("NH3", 1)]
    assert [line.partition(" in ")[0] for line in said] == ["H2O: 2 frames", "NH3: 2 frames"]


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path):
    file = tmp_path / "data.h5"
    file.write_text("precious")
    with pytest.raises(SettingError) as caught:
        make(file)
    assert (caught.value.owner, caught.value.setting) == (generate, "output")
    assert str(caught.value).startswith(f"{file} exists already. Expected a new file, so that no data is overwritten;")
    assert file.read_text() == "precious"
    assert names_in(tmp_path) == ["data.h5"]


def test_unfinished_work_of_other_settings_is_not_mixed_in(tmp_path: Path):
    file = tmp_path / "data.h5"
    UnfinishedWork(file).open(Recipe("ase.calculators.emt.EMT", {}, "ase.calculators.emt.EMT", 300.0, seed=6))
    with pytest.raises(GenerationError, match=r"was begun with other settings: seed was 6, now 7\."):
        make(file)
    assert not file.exists()


def test_no_frames_at_all_are_refused(tmp_path: Path):
    with pytest.raises(SettingError, match="num_frames is 0, expected more than 0"):
        make(tmp_path / "data.h5", num_frames=0)
    assert not names_in(tmp_path)
