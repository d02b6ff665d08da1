import shutil
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from potbench.batch import Batch
from potbench.cli.main import main
from potbench.loading import SplitIndices, Store
from potbench.runs.checkpoint import load_potential
from potbench.structures import Frames
from tests.inference.test_structure_file import HARTREE


@pytest.fixture
def structures(tmp_path: Path) -> Path:
    file = tmp_path / "structures.xyz"
    write(file, [molecule(name) for name in ("CH4", "H2O", "CH3OH", "HCN")])
    return file


def test_predictions_are_the_potential_of_the_run(finished_run: Path, structures: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.xyz"
    assert main([*predict(finished_run, structures, output), "--batch_size", "3"]) == 0
    potential = load_potential(finished_run / "checkpoints" / "best.ckpt")
    for before, after in zip(read(structures, ":"), read(output, ":"), strict=True):
        assert after.get_chemical_symbols() == before.get_chemical_symbols()
        expected = potential(
            Batch.from_frames(Frames("", before.numbers, before.positions[None], np.zeros(1))), forces=True
        )
        assert after.get_potential_energy() == pytest.approx(expected.energy.item(), abs=1e-5)
        assert after.get_forces() == pytest.approx(expected.forces.numpy(), abs=1e-5)


def test_npz_holds_the_same_numbers(finished_run: Path, structures: Path, tmp_path: Path) -> None:
    for name in ("out.xyz", "out.npz"):
        assert main(predict(finished_run, structures, tmp_path / name)) == 0
    arrays = np.load(tmp_path / "out.npz")
    images = read(tmp_path / "out.xyz", ":")
    assert arrays["energy"] == pytest.approx([image.get_potential_energy() for image in images])
    assert arrays["forces"] == pytest.approx(np.concatenate([image.get_forces() for image in images]), abs=1e-7)
    assert arrays["atoms_per_molecule"].tolist() == [len(image) for image in images]


@pytest.mark.parametrize("ending", ["xyz", "traj", "db", "json", "pdb"])
def test_any_file_that_ase_reads_will_do(finished_run: Path, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"water.{ending}"
    write(file, molecule("H2O"))
    output = tmp_path / "out.npz"
    assert main(predict(finished_run, file, output)) == 0
    assert len(np.load(output)["energy"]) == 1


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (molecule("SiH4"), "The potential does not know Si; it was built for H, C, N, O."),
        (Atoms("H", cell=[3, 3, 3], pbc=True), "structure 0 is periodic, and these potentials are of molecules."),
    ],
)
def test_structures_it_cannot_judge_are_refused(finished_run: Path, tmp_path: Path, refused, image, message) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "odd.extxyz"
    write(file, image)
    said = refused(predict(finished_run, file, tmp_path / "out.npz"))
    assert message in said
    assert not (tmp_path / "out.npz").exists()


def test_unreadable_input_and_wrong_ending_are_refused(finished_run: Path, tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    garbage = tmp_path / "garbage.xyz"
    garbage.write_text("three\natoms\n")
    output = tmp_path / "out.npz"
    assert f"{garbage} cannot be read as extended XYZ from frame 0" in refused(predict(finished_run, garbage, output))
    assert "none.xyz does not exist." in refused(predict(finished_run, tmp_path / "none.xyz", output))
    assert refused(predict(finished_run, garbage, Path("out.pdf"))) == (
        "The output ends in '.pdf'. Expected one of .xyz, .extxyz, .npz. Change --output."
    )


def test_batch_size_is_refused_by_its_flag(finished_run: Path, structures: Path, tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    said = refused([*predict(finished_run, structures, tmp_path / "out.npz"), "--batch_size", "0"])
    assert said == "batch_size is 0, expected at least 1. Change --batch_size."


def test_the_run_may_stand_behind_a_flag_as_in_earlier_versions(
    finished_run: Path, structures: Path, tmp_path: Path
) -> None:
    arguments = ["--input", str(structures), "--output", str(tmp_path / "out.npz"), "--batch-size=2"]
    assert main(["predict", *arguments, "--run", str(finished_run)]) == 0
    assert len(np.load(tmp_path / "out.npz")["energy"]) == 4


def test_existing_output_is_kept(finished_run: Path, structures: Path, tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "mine.xyz").write_text("mine")
    said = refused(predict(finished_run, structures, tmp_path / "mine.xyz"))
    assert said == (
        f"{tmp_path / 'mine.xyz'} exists, and nothing is overwritten. Expected a new file. Change --output."
    )
    assert (tmp_path / "mine.xyz").read_text() == "mine"


def predict(run: Path, structures: Path, output: Path) -> list[str]:
    return ["predict", str(run), "--input", str(structures), "--output", str(output)]


def test_structures_unlike_the_training_set_are_warned_of_and_errors_reported(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, atom = read(sample(finished_run, tmp_path), ":")
    write(tmp_path / "in.xyz", [known, atom])
    assert main(predict(finished_run, tmp_path / "in.xyz", tmp_path / "out.xyz")) == 0
    said = capsys.readouterr()
    assert "Mean absolute error of energies: " in said.out
    assert "in 1 of 2 structures that have them, read in eV" in said.out
    assert "1 of 2 structures have compositions that were not trained on: structure 1." in said.err
    assert "1 of 2 structures have atoms in environments outside of the training set: structure 1." in said.err
    first, second = read(tmp_path / "out.xyz", ":")
    assert first.info["name"] == "kept"
    assert (first.arrays["extrapolation"] <= 1).all()
    assert second.arrays["extrapolation"][0] > 1
    assert second.info["new_composition"]


def test_what_labels_are_compared_with_is_said(
    finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "3\nProperties=species:S:1:pos:R:3 energy=-76.4 reference_energy=-76.3 energy_unit=Hartree\n"
    (tmp_path / "in.xyz").write_text(text + "O 0 0 0\nH 0.96 0 0\nH -0.24 0.93 0\n")
    assert main(predict(finished_run, tmp_path / "in.xyz", tmp_path / "out.xyz")) == 0
    said = capsys.readouterr()
    assert "1 of 1 structures that have them, converted from the units that the file states to eV" in said.out
    assert "1 of 1 structures have energies or forces beside columns of the names reference_energy" in said.err
    (water,) = read(tmp_path / "out.xyz", ":")
    assert water.info["reference_energy"] == pytest.approx(-76.3 * HARTREE)
    assert water.info["earlier_energy"] == pytest.approx(-76.4 * HARTREE)


def test_columns_that_an_output_cannot_hold_are_named(
    finished_run: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = read(structures, ":")
    for number, atoms in enumerate(given):
        atoms.info["ranks"] = np.arange(number + 2)
    write(tmp_path / "in.xyz", given)
    for ending, is_named in (("xyz", False), ("npz", True)):
        assert main(predict(finished_run, tmp_path / "in.xyz", tmp_path / f"out.{ending}")) == 0
        assert (f"out.{ending} lacks the columns ranks, " in capsys.readouterr().err) == is_named


def test_runs_of_earlier_versions_predict_with_a_word(
    finished_run: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old"
    shutil.copytree(finished_run, old)
    (old / "trained_on.npz").unlink()
    assert main(predict(old, structures, tmp_path / "out.xyz")) == 0
    assert "The run does not say what it was trained on" in capsys.readouterr().err


def test_an_output_that_cannot_be_made_is_named(finished_run: Path, structures: Path, tmp_path: Path, refused) -> None:  # type: ignore[no-untyped-def]
    said = refused(predict(finished_run, structures, Path("/proc/none.xyz")))
    assert ".partial" not in said
    assert "/proc/none.xyz" in said


def sample(run: Path, folder: Path) -> Path:
    """A file of a frame that the run was trained on, with its energy, and of a free atom."""
    store = Store(next((run.parent / "prepared").glob("*/manifest.json")).parent)
    frame = SplitIndices.load(run / "split.npz").train[:1]
    atoms = store.atoms_of(frame)
    known = Atoms(atoms.atomic_numbers, store.positions[atoms.rows], info={"name": "kept"})
    known.calc = SinglePointCalculator(known, energy=float(store.energy[frame][0]))
    write(folder / "sample.xyz", [known, Atoms("H")])
    return folder / "sample.xyz"
