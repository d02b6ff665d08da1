import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import ase.io
import h5py
import numpy as np
import pytest
from ase.build import molecule
from ase.calculators.calculator import CalculationFailed
from ase.calculators.emt import EMT

from potbench.cli.data.generate import generate
from potbench.datasets.generated import Generated
from potbench.generation import sampling
from potbench.generation.sampling import CLOSEST, find_modes, nearest_atoms

FRAMES = 60
# Every frame is saved, so that a kill falls in the middle of a molecule
SCRIPT = (
    "import sys; from potbench.cli.data import generate; from potbench.generation import sampling; "
    "sampling.SECONDS_BETWEEN_SAVES = 0.0; generate.generate(sys.argv[1:])"
)


def words(output: Path, **changes: str) -> list[str]:
    options = {
        "--calculator": "ase.calculators.emt.EMT",
        "--frames": str(FRAMES),
        "--temperature": "300",
        "--seed": "7",
        "--output": str(output),
    }
    options |= {f"--{key.replace('_', '-')}": value for key, value in changes.items()}
    return ["--molecules", "H2O", "NH3", *(word for option in options.items() for word in option)]


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
    generate(words(file))
    return file


class FailsEverySecondTime(EMT):
    calls = 0
    armed = False

    def calculate(self, atoms=None, properties=None, system_changes=()):
        type(self).calls += self.armed
        if type(self).calls % 2:
            raise CalculationFailed("as the test wants")
        super().calculate(atoms, properties or ["energy"], list(system_changes))


def test_a_killed_run_leaves_nothing_that_looks_finished_and_resumes_to_the_same_file(tmp_path: Path, unbroken: Path):
    file = tmp_path / "data.h5"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, *words(file)], stdout=subprocess.DEVNULL)
    begun = tmp_path / "data.h5.partial" / "molecule-H2O.npz"
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

    generate(words(file))
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
    generate(["--molecules", "NH3", *words(file, frames="5")[3:]])
    (few,) = Generated(file).read()
    ammonia = list(Generated(unbroken).read())[1]
    assert np.array_equal(few.positions, ammonia.positions[:5])
    assert np.array_equal(few.forces, ammonia.forces[:5])


def test_another_seed_gives_other_frames(tmp_path: Path, unbroken: Path):
    generate(words(tmp_path / "data.h5", frames="2", seed="8"))
    other, first = next(Generated(tmp_path / "data.h5").read()), next(Generated(unbroken).read())
    assert not np.isclose(other.positions, first.positions[:2]).all(axis=(1, 2)).any()


def test_the_manifest_says_how_the_file_was_made(unbroken: Path):
    manifest = Generated(unbroken).manifest
    assert manifest["command"].startswith("python -m potbench data generate --molecules H2O NH3 --calculator ase.")
    assert manifest["theory"] == manifest["calculator"] == "ase.calculators.emt.EMT"
    assert (manifest["seed"], manifest["temperature"], manifest["num_frames"]) == (7, 300.0, 2 * FRAMES)
    assert manifest["molecules"]["H2O"]["frames"] == FRAMES
    assert {"python", "numpy", "ase", "h5py", "potbench"} <= set(manifest["versions"])
    assert set(manifest["isolated_atoms"]) == {"H", "N", "O"}
    assert manifest["licence"] == "not stated"


def test_a_frame_that_cannot_be_computed_is_drawn_again_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def arm(*arguments):
        modes = find_modes(*arguments)
        monkeypatch.setattr(FailsEverySecondTime, "armed", True)
        return modes

    monkeypatch.setattr(sampling, "find_modes", arm)
    monkeypatch.setattr(FailsEverySecondTime, "calls", 0)
    file = tmp_path / "data.h5"
    generate(["--molecules", "H2O", *words(file, calculator=f"{__name__}.FailsEverySecondTime", frames="10")[3:]])
    with h5py.File(file) as source:
        summary = json.loads(source.attrs["manifest"])["molecules"]["H2O"]
        assert source["H2O/energy"].shape == (10,)
    assert summary["redrawn_not_converged"] == 10


def test_no_two_atoms_come_too_close(tmp_path: Path):
    file = tmp_path / "data.h5"
    generate(["--molecules", "H2O", *words(file, temperature="500000", frames="30")[3:]])
    generated = Generated(file)
    (frames,) = generated.read()
    atoms = molecule("H2O")
    for positions in frames.positions:
        atoms.positions = positions
        assert nearest_atoms(atoms) >= CLOSEST
    assert generated.manifest["molecules"]["H2O"]["redrawn_atoms_too_close"] > 0


def test_a_structure_file_is_a_molecule_too(tmp_path: Path):
    ase.io.write(tmp_path / "water.xyz", molecule("H2O"))
    file = tmp_path / "data.h5"
    generate(["--molecules", str(tmp_path / "water.xyz"), *words(file, frames="3")[3:]])
    (frames,) = Generated(file).read()
    assert frames.molecule == "water"
    assert frames.positions.shape == (3, 3, 3)


def refusal(arguments: list[str]) -> str:
    with pytest.raises(SystemExit) as error:
        generate(arguments)
    assert isinstance(error.value.code, str)
    return error.value.code


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path):
    file = tmp_path / "data.h5"
    file.write_text("precious")
    assert "exists already. A new file was expected" in refusal(words(file))
    assert file.read_text() == "precious"
    assert names_in(tmp_path) == ["data.h5"]


def test_unfinished_work_of_other_settings_is_not_mixed_in(tmp_path: Path):
    file = tmp_path / "data.h5"
    recipe = sampling.Recipe("ase.calculators.emt.EMT", {}, "ase.calculators.emt.EMT", 300.0, seed=6)
    sampling.open_folder(tmp_path / "data.h5.partial", recipe)
    message = refusal(words(file))
    assert "was begun with other settings: seed was 6, now 7." in message
    assert "Give the old settings again, choose another --output, or delete the folder." in message
    assert not file.exists()


def test_unfinished_work_of_another_geometry_is_not_mixed_in(tmp_path: Path):
    water = molecule("H2O")
    recipe = sampling.Recipe("ase.calculators.emt.EMT", {}, "EMT", 300.0, seed=7)
    sampling.sample_molecule("H2O", water, 2, recipe, tmp_path / "work.npz", lambda _: None)
    water.positions[0, 0] += 0.1
    with pytest.raises(sampling.GenerationError, match="began from another geometry of H2O"):
        sampling.sample_molecule("H2O", water, 4, recipe, tmp_path / "work.npz", lambda _: None)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"calculator": "ase.calculators.emt.NoSuch"}, "cannot be found or made"),
        ({"calculator": "no_such_package.Calculator"}, "needs the module no_such_package, which is not installed"),
        ({"calculator_arguments": '{"no_such": 1}', "calculator": "potbench.datasets.sample.Sample"}, "does not take"),
    ],
)
def test_a_calculator_that_cannot_be_made_is_refused(tmp_path: Path, changes: dict[str, str], expected: str):
    assert expected in refusal(words(tmp_path / "data.h5", **changes))
    assert not names_in(tmp_path)


def test_a_missing_pyscf_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pyscf", None)
    message = refusal(["--molecules", "H2O", "--output", str(tmp_path / "data.h5")])
    assert 'pip install "potbench[generate]"' in message


def test_an_unknown_name_suggests_near_ones(tmp_path: Path):
    message = refusal(["--molecules", "CH3NH2", "--output", str(tmp_path / "data.h5")])
    assert "'CH3NH2' is no molecule of ASE's g2 collection and no file" in message
    assert "H3CNH2" in message


def test_an_element_that_the_calculator_does_not_know_is_said(tmp_path: Path):
    message = refusal(["--molecules", "HCl", *words(tmp_path / "data.h5")[3:]])
    assert "EMT cannot compute HCl" in message


def test_a_molecule_without_a_minimum_is_named(tmp_path: Path):
    message = refusal(["--molecules", "CO2", *words(tmp_path / "data.h5")[3:]])
    assert "CO2: The energy falls along a mode of" in message


@pytest.mark.parametrize(
    "wrong", [{"frames": "0"}, {"temperature": "0"}, {"seed": "-1"}, {"calculator_arguments": "[1]"}]
)
def test_impossible_numbers_are_refused(tmp_path: Path, wrong: dict[str, str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        generate(words(tmp_path / "data.h5", **wrong))
    assert "expected" in capsys.readouterr().err


def test_help_answers_without_the_heavy_imports():
    script = (
        "import sys; from potbench.cli.data.generate import parse; "
        "parse(['--molecules', 'a', '--output', 'b']); print(*sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert not {"ase.build", "ase.optimize", "pyscf", "rich.progress", "torch"} & set(run.stdout.split())
