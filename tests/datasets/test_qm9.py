from __future__ import annotations

import bz2
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

from potbench.cli.main import main
from potbench.datasets import QM9
from potbench.datasets.qm9 import parse, read_left_out
from potbench.errors import DataFileError, MissingDataError, SettingError
from tests.native_files.ase_files import HARTREE, images, raw_qm9, write_database, write_qm9


def molecules(dataset):
    return {chunk.molecule: chunk for chunk in dataset.read()}


def test_molecules_equal_what_was_written(tmp_path):
    made = write_qm9(tmp_path, left_out=())
    found = molecules(QM9(folder=tmp_path))
    assert list(found) == [f"gdb_{number:06d}" for number in range(1, 13)]
    for number, atoms in enumerate(made, start=1):
        chunk = found[f"gdb_{number:06d}"]
        assert chunk.atomic_numbers.tolist() == atoms.numbers.tolist()
        np.testing.assert_allclose(chunk.positions[0], atoms.positions, atol=1e-9)
        assert chunk.energy[0] == pytest.approx((atoms.calc.results["energy"] + 0.010) * HARTREE, abs=1e-4)
        assert chunk.smiles == f"O{number}"
        assert chunk.forces is None


def test_uncharacterized_molecules_are_left_out_unless_wanted(tmp_path):
    write_qm9(tmp_path, left_out=(3, 7))
    kept = {int(name.removeprefix("gdb_")) for name in molecules(QM9(folder=tmp_path))}
    assert kept == set(range(1, 13)) - {3, 7}
    assert len(molecules(QM9(uncharacterized=True, folder=tmp_path))) == 12


@pytest.mark.parametrize(("target", "place"), [("U0", 10), ("U", 11), ("H", 12), ("G", 13)])
def test_each_total_energy_stands_in_its_place(tmp_path, target, place):
    (atoms,) = images(1, forces=False)
    energy = parse(raw_qm9(atoms, 1), target, "here").energy
    assert energy == pytest.approx((atoms.calc.results["energy"] + place / 1000) * HARTREE, abs=1e-4)


@pytest.mark.parametrize(("target", "place"), [("homo", 5), ("lumo", 6), ("gap", 7), ("zpve", 9)])
def test_each_other_energy_stands_in_its_place(target, place):
    (atoms,) = images(1, forces=False)
    assert parse(raw_qm9(atoms, 1), target, "here").energy == pytest.approx(place * HARTREE)


@pytest.mark.parametrize("layout", ["arrays", "text", "pairs"])
def test_the_three_layouts_of_schnetpack_give_the_same_energies(tmp_path, layout):
    made = write_database(tmp_path / "qm9.db", layout)
    energies = [chunk.energy[0] for chunk in QM9(folder=tmp_path).read()]
    np.testing.assert_allclose(energies, [atoms.calc.results["energy"] * HARTREE for atoms in made], rtol=1e-12)


def test_energies_of_free_atoms_are_known_for_total_energies_only():
    assert QM9().isolated_atom_energies()["H"] == pytest.approx(-13.613, abs=1e-3)
    assert QM9("gap").isolated_atom_energies() is None


def test_a_target_that_there_is_not_is_refused():
    with pytest.raises(SettingError, match="target is 'U1', expected one of U0, U, H, G, zpve, homo, lumo, gap, mu"):
        QM9("U1")


@pytest.mark.parametrize(
    ("target", "unit"), [("U0", "eV"), ("mu", "D"), ("alpha", "a0³"), ("A", "GHz"), ("Cv", "cal/mol/K")]
)
def test_what_is_no_energy_keeps_its_published_unit(target, unit):
    assert QM9(target).label_unit == unit


@pytest.mark.parametrize(
    ("target", "place"), [("A", 0), ("B", 1), ("C", 2), ("mu", 3), ("alpha", 4), ("r2", 8), ("Cv", 14)]
)
def test_each_other_property_stands_in_its_place_and_is_not_converted(target, place):
    (atoms,) = images(1, forces=False)
    assert parse(raw_qm9(atoms, 1), target, "here").energy == pytest.approx(place)


def test_a_property_that_is_no_energy_is_trained_and_reported_in_its_unit(tmp_path, capsys):
    write_qm9(tmp_path / "qm9", 40, left_out=())
    sizes = [f"--data.split.init_args.{part}={size}" for part, size in (("train", 24), ("validation", 8), ("test", 8))]
    arguments = ["--data.dataset", "potbench.datasets.QM9", "--data.dataset.init_args.target", "mu"]
    arguments += ["--data.dataset.init_args.folder", str(tmp_path / "qm9"), *sizes, "--trainer.max_epochs", "1"]
    arguments += ["--model.init_args.loss.init_args.forces", "0", "--run_dir", str(tmp_path / "run")]
    quickstart = Path(__file__).parents[2] / "configs/quickstart.yaml"
    assert main(["fit", "--config", str(quickstart), *arguments]) == 0
    assert main(["test", "--run", str(tmp_path / "run")]) == 0
    write(tmp_path / "water.xyz", molecule("H2O"))
    files = ["--input", str(tmp_path / "water.xyz"), "--output", str(tmp_path / "predicted.xyz")]
    assert main(["predict", "--run", str(tmp_path / "run"), *files]) == 0
    printed = capsys.readouterr().out
    assert "kcal/mol" not in printed
    assert "energies in D and forces in D/Å are in" in printed
    record = json.loads((tmp_path / "run/record.json").read_text())
    assert record["metrics"]["test"]["energy_mae"]["unit"] == "D"
    assert "energy_mae_mev" not in record["metrics"]["test"]
    with np.load(tmp_path / "run/predictions.npz") as arrays:
        expected = np.abs(arrays["predicted_energy"] - arrays["energy"]).mean()
    assert record["metrics"]["test"]["energy_mae"]["value"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("old", "new"),
    [("gdb 1", "gdb one"), ("gdb", "xyz"), ("\nC\t", "\nQ\t"), ("-0.1\n", "\n"), ("InChI", ""), ("5\n", "6\n")],
)
def test_a_file_that_is_no_molecule_is_named(old, new):
    (atoms,) = images(1, forces=False)
    text = raw_qm9(atoms, 1)
    assert old in text
    damaged = text.split("InChI")[0].rsplit("\n", 2)[0] if old == "InChI" else text.replace(old, new, 1)
    with pytest.raises(DataFileError, match="here is no molecule of QM9"):
        parse(damaged, "U0", "here")


def test_a_list_of_another_length_is_refused(tmp_path):
    write_qm9(tmp_path)
    file = tmp_path / "uncharacterized.txt"
    file.write_text("\n".join(file.read_text().splitlines()[:-10]))
    with pytest.raises(DataFileError, match=r"lists 3,04\d molecules, expected 3,054"):
        read_left_out(file)


def test_other_things_in_the_archive_are_passed_over(tmp_path):
    write_qm9(tmp_path, 2)
    text = raw_qm9(images(1, forces=False)[0], 9).encode()
    with tarfile.open(tmp_path / "dsgdb9nsd.xyz.tar.bz2", "w:bz2") as archive:
        folder = tarfile.TarInfo("../folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        member = tarfile.TarInfo("dsgdb9nsd_000009.xyz")
        member.size = len(text)
        archive.addfile(member, io.BytesIO(text))
    assert list(molecules(QM9(folder=tmp_path))) == ["gdb_000009"]


def test_a_missing_list_is_named_with_its_dataset(tmp_path):
    write_qm9(tmp_path)
    (tmp_path / "uncharacterized.txt").unlink()
    with pytest.raises(MissingDataError, match=r"uncharacterized\.txt does not exist.*a file of qm9") as caught:
        list(QM9(folder=tmp_path).read())
    assert (caught.value.name, caught.value.setting) == ("qm9", "folder")


def test_a_database_of_all_molecules_does_not_tell_the_uncharacterized_ones(tmp_path, monkeypatch):
    write_database(tmp_path / "qm9.db", "pairs", 12)
    monkeypatch.setattr("potbench.datasets.qm9.MOLECULES", 12)
    with pytest.raises(SettingError) as caught:
        list(QM9(folder=tmp_path).read())
    assert str(caught.value) == (
        f"{tmp_path / 'qm9.db'} holds all 12 molecules, and does not state which are uncharacterized. Expected True, "
        "or dsgdb9nsd.xyz.tar.bz2 and uncharacterized.txt in its place. Change the argument uncharacterized of QM9."
    )
    assert len(list(QM9(folder=tmp_path, uncharacterized=True).read())) == 12


def test_a_folder_of_the_single_files_is_read_as_the_archive_is(tmp_path):
    write_qm9(tmp_path / "archive")
    with tarfile.open(tmp_path / "archive" / "dsgdb9nsd.xyz.tar.bz2") as archive:
        archive.extractall(tmp_path / "folder", filter="data")
    (tmp_path / "archive" / "uncharacterized.txt").rename(tmp_path / "folder" / "uncharacterized.txt")
    (tmp_path / "archive" / "dsgdb9nsd.xyz.tar.bz2").rename(tmp_path / "dsgdb9nsd.xyz.tar.bz2")
    folder = QM9(folder=tmp_path / "folder")
    assert len(folder.files) == 13
    single = molecules(folder)
    (tmp_path / "dsgdb9nsd.xyz.tar.bz2").rename(tmp_path / "folder" / "dsgdb9nsd.xyz.tar.bz2")
    packed = molecules(QM9(folder=tmp_path / "folder"))
    assert list(single) == list(packed)
    for name, frames in single.items():
        np.testing.assert_array_equal(frames.positions, packed[name].positions)
        np.testing.assert_array_equal(frames.energy, packed[name].energy)


def test_a_member_that_is_too_large_for_a_molecule_is_refused_before_it_is_read(tmp_path):
    write_qm9(tmp_path)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:bz2") as archive:
        member = tarfile.TarInfo("dsgdb9nsd_000001.xyz")
        member.size = 2**20
        archive.addfile(member, io.BytesIO(bytes(2**20)))
    (tmp_path / "dsgdb9nsd.xyz.tar.bz2").write_bytes(raw.getvalue())
    with pytest.raises(DataFileError, match=r"dsgdb9nsd_000001.xyz of 1,048,576 bytes, which is no file of a molecule"):
        list(QM9(folder=tmp_path).read())


@pytest.mark.parametrize("lost", ["header", "zeros"])
def test_an_archive_in_which_a_header_is_lost_is_refused(tmp_path, lost):
    write_qm9(tmp_path, 6)
    file = tmp_path / "dsgdb9nsd.xyz.tar.bz2"
    raw = bytearray(bz2.decompress(file.read_bytes()))
    raw[2048:2560] = bytes(512) if lost == "zeros" else b"x" * 512  # each member is of two times 512 bytes
    file.write_bytes(bz2.compress(raw))
    with pytest.raises(DataFileError, match=r"dsgdb9nsd.xyz.tar.bz2 cannot be read \(.* header .*fetch it again"):
        list(QM9(folder=tmp_path).read())


def test_surplus_lines_of_a_molecule_are_refused():
    text = raw_qm9(images(1, forces=False)[0], 1)
    assert parse(text, "U0", "here").molecule == "gdb_000001"
    with pytest.raises(DataFileError, match="lines are missing or too many"):
        parse(f"{text}H 0 0 0 0\n", "U0", "here")
