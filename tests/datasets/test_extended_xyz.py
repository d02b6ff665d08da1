from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from potbench.datasets import ExtendedXYZ
from potbench.errors import DataFileError, SettingError
from tests.native_files.ase_files import HARTREE, write_extended_xyz


@pytest.mark.parametrize("forces", [True, False])
def test_frames_equal_what_was_written(tmp_path, forces):
    file = tmp_path / "a.xyz"
    made = write_extended_xyz(file, forces=forces)
    dataset = ExtendedXYZ(file, "hartree", "Å")
    assert dataset.info.has_forces is forces
    assert dataset.elements == ["H", "C", "N", "O"]
    chunks = list(dataset.read())
    assert [len(chunk.energy) for chunk in chunks] == [2] * 6
    for chunk, pair in zip(chunks, zip(made[::2], made[1::2], strict=True), strict=True):
        assert chunk.atomic_numbers.tolist() == pair[0].numbers.tolist()
        for frame, atoms in enumerate(pair):
            np.testing.assert_allclose(chunk.positions[frame], atoms.positions, atol=1e-8)
            assert chunk.energy[frame] == pytest.approx(atoms.calc.results["energy"] * HARTREE, rel=1e-12)
            if forces:
                np.testing.assert_allclose(chunk.forces[frame], atoms.calc.results["forces"] * HARTREE, atol=1e-6)


def test_other_units_scale_energies_positions_and_forces(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    (one, *_), (other, *_) = (list(ExtendedXYZ(file, *units).read()) for units in (("eV", "Å"), ("kcal/mol", "bohr")))
    kcal, bohr = HARTREE / 627.5094740631, 0.529177210903
    np.testing.assert_allclose(other.energy, one.energy * kcal, rtol=1e-12)
    np.testing.assert_allclose(other.positions, one.positions * bohr, rtol=1e-12)
    np.testing.assert_allclose(other.forces, one.forces * kcal / bohr, rtol=1e-12)


@pytest.mark.parametrize(("units", "missing"), [((None, "Å"), "energy"), (("eV", None), "length")])
def test_units_have_to_be_given(tmp_path, units, missing):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    with pytest.raises(SettingError, match=rf"does not state its {missing} unit\. Expected one of .*{missing}_unit of"):
        list(ExtendedXYZ(file, *units).read())


def test_energies_and_forces_may_have_other_names(tmp_path):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    atoms.info |= {"dft_energy": -31.0, "isomer": "ortho"}
    atoms.arrays["dft_forces"] = np.array([[0, 0, 1.0], [0, 0, -1.0]])
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    (chunk,) = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", "dft_energy", "dft_forces", "isomer").read()
    assert (chunk.molecule, chunk.energy[0], chunk.forces[0, 0, 2]) == ("ortho", -31.0, 1.0)


def test_a_missing_energy_is_named_with_what_is_there(tmp_path):
    file = tmp_path / "a.xyz"
    write_extended_xyz(file)
    for setting in ("energy_key", "molecule_key"):
        with pytest.raises(SettingError, match="has no U0 in any frame, only energy, forces") as caught:
            list(ExtendedXYZ(file, "eV", "Å", **{setting: "U0"}).read())
        assert (caught.value.owner, caught.value.setting) == (ExtendedXYZ, setting)


def test_forces_in_some_frames_only_are_refused(tmp_path):
    file = tmp_path / "a.xyz"
    made = write_extended_xyz(file)
    del made[3].calc.results["forces"]
    write(file, made, format="extxyz")
    with pytest.raises(
        SettingError, match=r"has forces in 11 of 12 frames; without: 3\. Expected forces in every frame, or"
    ):
        list(ExtendedXYZ(file, "eV", "Å").read())


def test_periodic_structures_are_refused(tmp_path):
    write(tmp_path / "a.xyz", Atoms("H", cell=[3, 3, 3], pbc=True, info={"energy": -13.6}), format="extxyz")
    with pytest.raises(DataFileError, match="frame 0 is periodic"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())


@pytest.mark.parametrize("stated", ['lattice="9 0 0 0 9 0 0 0 9"', 'cell="9 9 9"', 'PBC="T T T"'])
def test_periodic_structures_that_ase_does_not_recognize_are_refused(tmp_path, stated):
    file = tmp_path / "a.xyz"
    file.write_text(f"1\nProperties=species:S:1:pos:R:3 energy=-13.6 {stated}\nH 0 0 0\n")
    with pytest.raises(DataFileError, match=f"frame 0 is periodic, by its {stated.partition('=')[0]}"):
        list(ExtendedXYZ(file, "eV", "Å").read())


def test_a_missing_empty_or_other_file_is_named(tmp_path):
    file = tmp_path / "a.xyz"
    with pytest.raises(DataFileError, match="does not exist"):
        _ = ExtendedXYZ(file).elements
    file.write_text("")
    with pytest.raises(DataFileError, match=r"holds no structure|cannot be read"):
        _ = ExtendedXYZ(file).elements
    file.write_text("a web page that says: not found")
    with pytest.raises(DataFileError, match="cannot be read as extended XYZ from frame 0 on"):
        _ = ExtendedXYZ(file).elements


def test_columns_that_are_named_are_read(tmp_path):
    one, other = (Atoms("H2", [[0, 0, 0], [0, 0, 0.7]]) for _ in range(2))
    one.info |= {"energy": -31.0, "weight": 2, "config_type": "MD_300K"}
    other.info |= {"energy": -30.0, "weight": 0.5, "config_type": "scan"}
    write(tmp_path / "a.xyz", [one, other], format="extxyz")
    dataset = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weight", "config_type"])
    (chunk,) = dataset.read()
    assert chunk.columns["weight"].tolist() == [2.0, 0.5]
    assert chunk.columns["config_type"].tolist() == ["MD_300K", "scan"]
    assert dataset.options["columns"] == ["weight", "config_type"]
    assert "columns" not in ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").options
    with pytest.raises(SettingError, match=r"has no weigth in any frame, only .*weight.*\. Expected the name of one"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weigth"]).read())


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ((1.0, "one"), "weight of H2 is a number in some frames and text in others"),
        ((1.0, np.ones(3)), r"frame 1: weight is array.*\. Expected one number, or text\."),
        ((1.0, float("nan")), "weight of frame 1 is NaN or infinite"),
        ((1.0, None), "has weight in 1 of 2 frames; without: 1"),
    ],
)
def test_columns_that_are_neither_numbers_nor_text_are_refused(tmp_path, values, problem):
    frames = [Atoms("H2", [[0, 0, 0], [0, 0, 0.7]], info={"energy": -31.0}) for _ in values]
    for atoms, value in zip(frames, values, strict=True):
        if value is not None:
            atoms.info["weight"] = value
    write(tmp_path / "a.xyz", frames, format="extxyz")
    with pytest.raises(DataFileError, match=problem):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", columns=["weight"]).read())


def water(**info: object) -> Atoms:
    return Atoms("OH2", [[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]], info={"energy": -2080.0, **info})


def with_forces(name: str = "forces") -> Atoms:
    atoms = water()
    atoms.arrays[name] = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0], [0.0, 0.0, 0.0]])
    return atoms


ISOLATED = [Atoms("H", info={"energy": -13.6}), Atoms("O", info={"energy": -2041.3})]


def test_single_atoms_have_zero_forces_and_reference_energies_wherever_they_stand(tmp_path):
    file = tmp_path / "a.xyz"
    for frames in ([*ISOLATED, with_forces(), with_forces()], [with_forces(), with_forces(), *ISOLATED]):
        write(file, frames, format="extxyz")
        dataset = ExtendedXYZ(file, "eV", "Å")
        forces = {chunk.molecule: chunk.forces for chunk in dataset.read()}
        assert dataset.info.has_forces
        assert forces["H"].shape == (1, 1, 3)
        assert not forces["H"].any()
        assert forces["H2O"][:, 0, 2].tolist() == [1.0, 1.0]
        assert dataset.isolated_atom_energies() == {"H": -13.6, "O": -2041.3}
        assert "single atoms of H, O: their energies can be the reference energies" in dataset.remarks()[0]
    assert ExtendedXYZ(file, "Ry", "Å").isolated_atom_energies()["H"] == pytest.approx(-6.8 * HARTREE)


def test_isolated_atoms_alone_have_no_forces(tmp_path):
    write(tmp_path / "a.xyz", ISOLATED, format="extxyz")
    assert [chunk.forces for chunk in ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read()] == [None, None]


def test_frames_without_forces_are_counted(tmp_path):
    write(tmp_path / "a.xyz", [*ISOLATED, water(), with_forces(), water(), with_forces()], format="extxyz")
    with pytest.raises(SettingError, match=r"has forces in 4 of 6 frames; without: 2, 4\. Expected .* partial_labels"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())


@pytest.mark.parametrize("name", ["force", "REF_forces", "atomic_forces", "gradients", "F"])
def test_columns_that_could_be_forces_are_named_before_they_are_dropped(tmp_path, name):
    write(tmp_path / "a.xyz", [with_forces(name)], format="extxyz", columns=["symbols", "positions", name])
    with pytest.raises(
        SettingError, match=rf"has no forces in any frame, .*\. Three numbers for each atom: {name}"
    ) as caught:
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())
    assert caught.value.setting == "forces_key"
    assert ("the opposite sign" in str(caught.value)) is (name == "gradients")
    for key in (name, None):
        (chunk,) = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", forces_key=key).read()
        assert (chunk.forces is None) is (key is None)


def test_a_name_of_forces_that_is_mistyped_is_refused(tmp_path):
    write(tmp_path / "a.xyz", [with_forces()], format="extxyz")
    with pytest.raises(SettingError, match="has no forcs in any frame, only energy, forces"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", forces_key="forcs").read())


def test_other_vectors_of_atoms_are_named_and_not_taken_for_forces(tmp_path):
    columns = ["symbols", "positions", "momenta"]
    atoms = with_forces("momenta")
    atoms.info["virials"] = np.eye(3)
    write(tmp_path / "a.xyz", [atoms], format="extxyz", columns=columns)
    dataset = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å")
    (chunk,) = dataset.read()
    assert chunk.forces is None
    assert dataset.remarks() == ["Not read from a.xyz: momenta, virials."]


def test_units_and_theory_that_a_file_states_are_read(tmp_path):
    atoms = with_forces()
    atoms.info.update(energy_unit="eV", length_unit="Å", theory="PBE/def2-SVP", virials=np.eye(3))
    write(tmp_path / "a.xyz", [atoms], format="extxyz")
    dataset = ExtendedXYZ(tmp_path / "a.xyz")
    assert dataset.info.theory == "PBE/def2-SVP"
    assert dataset.remarks() == ["Not read from a.xyz: virials."]


def test_forces_may_be_in_a_unit_of_their_own(tmp_path):
    file = tmp_path / "a.xyz"
    write(file, [with_forces()], format="extxyz")
    (chunk,) = ExtendedXYZ(file, "hartree", "Å", forces_unit="Ha/Bohr").read()
    assert chunk.forces[0, 0, 2] == pytest.approx(HARTREE / 0.529177210903)
    assert ExtendedXYZ(file, "Hartree", "A", forces_unit="a.u.").options == {
        **ExtendedXYZ(file, "hartree", "Å").options,
        "forces_unit": "hartree/bohr",
    }


def test_frames_that_lack_labels_are_read_when_asked_for(tmp_path):
    without_energy = with_forces()
    del without_energy.info["energy"]
    write(tmp_path / "a.xyz", [with_forces(), water(), without_energy], format="extxyz")
    with pytest.raises(SettingError, match=r"has energy in 2 of 3 frames; without: 2\. Expected .* partial_labels"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())
    dataset = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å", partial_labels=True)
    (chunk,) = dataset.read()
    assert chunk.energy_known.tolist() == [True, True, False]
    assert chunk.forces_known.tolist() == [True, False, True]
    assert dataset.remarks()[:2] == [
        "a.xyz has energy in 2 of 3 frames; without: 2.",
        "a.xyz has forces in 2 of 3 frames; without: 1.",
    ]
    assert dataset.options["partial_labels"] is True


def test_values_that_are_not_read_are_kept_to_tell_frames_apart(tmp_path):
    write(tmp_path / "a.xyz", [water(charge=0, kind="a"), water(charge=1), water(kind="b")], format="extxyz")
    unread = ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").unread()
    np.testing.assert_array_equal(unread["charge"], [0.0, 1.0, np.nan])
    assert unread["kind"].tolist() == ["a", "", "b"]


def test_units_in_the_comment_lines_are_used(tmp_path):
    stated = {"energy_unit": "Hartree", "length_unit": "Angstrom", "forces_unit": "Ha/Bohr"}
    atoms = with_forces()
    atoms.info |= stated
    write(tmp_path / "a.xyz", [atoms, atoms], format="extxyz")
    (chunk,) = ExtendedXYZ(tmp_path / "a.xyz").read()
    assert chunk.energy[0] == pytest.approx(-2080.0 * HARTREE)
    assert chunk.forces[0, 0, 2] == pytest.approx(HARTREE / 0.529177210903)
    with pytest.raises(SettingError, match="states the energy unit 'hartree', not 'eV'"):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV").read())
    other = with_forces()
    other.info |= {**stated, "energy_unit": "eV"}
    write(tmp_path / "a.xyz", [atoms, other], format="extxyz")
    with pytest.raises(DataFileError, match=r"has the energy_unit Hartree, eV\. Expected the same in every frame"):
        list(ExtendedXYZ(tmp_path / "a.xyz").read())


def test_comment_lines_without_names_are_not_listed_whole(tmp_path):
    file = tmp_path / "plain.xyz"
    file.write_text("".join(f"1\n{-9391 - number / 8}\nH 0 0 0\n" for number in range(300)))
    with pytest.raises(SettingError, match=r"has no energy in any frame, only .* and 280 more") as caught:
        list(ExtendedXYZ(str(file), energy_unit="eV", length_unit="Å").read())
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("energy=T", "energy is no number, but True"),
        ("energy=low", "energy is no number, but 'low'"),
        ('energy="1 2"', r"energy has shape \(2,\), expected one number"),
    ],
)
@pytest.mark.parametrize("atoms", ["1\n{}\nH 0 0 0\n", "2\n{}\nH 0 0 0\nH 0 0 0.7\n"])
def test_energies_that_are_no_numbers_are_refused(tmp_path, atoms, comment, says):
    file = tmp_path / "a.xyz"
    file.write_text(atoms.format(comment))
    with pytest.raises(DataFileError, match=f"frame 0: {says}"):
        list(ExtendedXYZ(file, "eV", "Å").read())


def test_a_word_of_a_comment_that_a_number_follows_is_no_energy(tmp_path):
    file = tmp_path / "a.xyz"
    file.write_text("2\nCoordinates from ORCA-job hydrogen E -1.1723\nH 0 0 0\nH 0 0 0.7\n")
    with pytest.raises(DataFileError, match=r"frame 0: E is no number, but True\. .* a word without a value, or T, is"):
        list(ExtendedXYZ(file, "hartree", "Å", energy_key="E").read())


@pytest.mark.parametrize("kind", ["L", "S"])
@pytest.mark.parametrize(
    ("name", "says"), [("forces", "forces are columns of kind [LS], expected R"), ("F", "frame 0: F is no number, but")]
)
def test_forces_that_are_no_numbers_are_refused(tmp_path, name, says, kind):
    file = tmp_path / "a.xyz"
    written = {"L": "T F T", "S": "1.0 2.0 3.0"}[kind]
    file.write_text(f"1\nProperties=species:S:1:pos:R:3:{name}:{kind}:3 energy=-13.6\nH 0 0 0 {written}\n")
    with pytest.raises(DataFileError, match=says):
        list(ExtendedXYZ(file, "eV", "Å", forces_key=name).read())


@pytest.mark.parametrize("name", ["energy_unit", "length_unit", "theory"])
def test_what_only_some_frames_state_is_refused(tmp_path, name):
    file = tmp_path / "a.xyz"
    write(file, [water(**{name: "Bohr" if "length" in name else "Ha"}), water(), water()], format="extxyz")
    with pytest.raises(
        DataFileError, match=rf"has {name} in 1 of 3 frames; without: 1, 2\. Expected the same in every"
    ):
        list(ExtendedXYZ(file, None if "energy" in name else "eV", "Å" if "energy" in name else None).read())


def test_single_atoms_of_different_energies_are_no_references(tmp_path):
    ion = Atoms("H", info={"energy": -14.35, "charge": -1})
    write(tmp_path / "a.xyz", [*ISOLATED, ISOLATED[0], water(), ion], format="extxyz")
    with pytest.raises(
        DataFileError, match=r"of H have different energies, -14\.35 eV in frame 4 and -13\.6 eV in frame"
    ):
        ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").isolated_atom_energies()


def test_columns_of_plain_xyz_that_could_be_forces_are_named_and_can_be_read(tmp_path):
    file = tmp_path / "a.xyz"
    file.write_text("2\nenergy=-31.0\nH 0 0 0 0 0 1\nH 0 0 0.7 0 0 -1\n")
    with pytest.raises(SettingError, match=r"no forces in any frame, .* Three numbers for each atom: columns_5-7\."):
        list(ExtendedXYZ(file, "eV", "Å").read())
    (chunk,) = ExtendedXYZ(file, "eV", "Å", forces_key="columns_5-7").read()
    assert chunk.forces[0, 0].tolist() == [0, 0, 1]
    assert ExtendedXYZ(file, "eV", "Å", forces_key=None).remarks() == ["Not read from a.xyz: columns_5-7."]


def test_words_that_are_others_in_each_comment_line_are_neither_kept_nor_listed_whole(tmp_path):
    file = tmp_path / "plain.xyz"
    frames = (f"1\nframe_{number} -{number}.5 E=-13.6 charge={number % 2}\nH 0 0 0\n" for number in range(300))
    file.write_text("".join(frames))
    dataset = ExtendedXYZ(file, energy_unit="eV", length_unit="Å", energy_key="E")
    assert sum(len(chunk.energy) for chunk in dataset.read()) == 300
    assert set(dataset.unread()) == {"charge"}
    (remark,) = dataset.remarks()
    assert remark.endswith(" and 581 more.")
    assert len(remark) < 500


@pytest.mark.parametrize("single", [0, 7])
def test_the_first_frames_without_a_label_are_named_wherever_they_are(tmp_path, single):
    lacking = {1, 12, 13, 20, 21, 22, 29}
    made = [water() if number in lacking else with_forces() for number in range(30)]
    write(tmp_path / "a.xyz", [*(ISOLATED * single)[:single], *made], format="extxyz")
    first = ", ".join(str(number + single) for number in sorted(lacking)[:5])
    with pytest.raises(
        SettingError, match=f"has forces in {23 + single} of {30 + single} frames; without: {first} and 2"
    ):
        list(ExtendedXYZ(tmp_path / "a.xyz", "eV", "Å").read())
