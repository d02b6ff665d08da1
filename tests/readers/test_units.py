from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import SettingError
from potbench.readers.units import energy_unit, forces_unit, length_unit, named
from potbench.units import BOHR, HARTREE, KCAL_PER_MOL


class Owner:
    pass


FILE = Path("some.npz")


def refusal(error: type[Exception], given: str | None, stated: str) -> str:
    with pytest.raises(error) as caught:
        energy_unit(Owner(), given, stated, FILE)
    return str(caught.value)


@pytest.mark.parametrize(("given", "stated"), [("hartree", ""), (None, "hartree"), (None, "Ha"), ("hartree", "Ha")])
def test_a_unit_is_given_or_stated(given, stated):
    assert energy_unit(Owner(), given, stated, FILE) == HARTREE


@pytest.mark.parametrize(
    ("setting", "written", "name"),
    [
        *(
            ("energy_unit", text, "hartree")
            for text in ("Hartree", "hartree", "Ha", "Eh", "a.u.", "au", "atomic units")
        ),
        *(("energy_unit", text, "kcal/mol") for text in ("kcal/mol", "kcal mol^-1", "kcal mol-1", "kcal·mol⁻¹")),
        ("energy_unit", "kJ mol**-1", "kJ/mol"),
        ("energy_unit", "Rydberg", "Ry"),
        ("energy_unit", "ev", "eV"),
        *(("length_unit", text, "Å") for text in ("A", "Å", "\N{ANGSTROM SIGN}", "Ang", "Angstrom", "angstrom")),
        *(("length_unit", text, "bohr") for text in ("Bohr", "bohr", "a0", "a₀", "a.u.")),
        ("length_unit", "pm", "pm"),
        *(("forces_unit", text, "hartree/bohr") for text in ("Ha/Bohr", "Hartree/Bohr", "Eh/a0", "Eh a0^-1", "a.u.")),
        *(("forces_unit", text, "eV/Å") for text in ("eV/Ang", "eV/A", "eV Å^-1", "eV per Angstrom")),
        *(
            ("forces_unit", text, "kcal/mol/Å")
            for text in ("kcal/mol/Ang", "kcal/(mol A)", "kcal mol^-1 Å^-1", "kcal mol-1 Ang-1", "kcal/mol-A")
        ),
        ("forces_unit", "kJ/mol/nm", "kJ/mol/nm"),
    ],
)
def test_units_go_by_the_names_that_people_write(setting, written, name):
    assert named(Owner(), setting, written) == named(Owner(), setting, name) == name


@pytest.mark.parametrize(
    "written", ["", "MeV", "eV/atom", "cm-1", "0.5 eV", "1/eV", "kcal", "eV/Å", "eV^2", "-eV", "- Ha"]
)
def test_what_is_no_unit_of_energy_is_not_taken_for_one(written):
    with pytest.raises(SettingError, match="expected one of eV, meV"):
        named(Owner(), "energy_unit", written)


@pytest.mark.parametrize(
    "written",
    ["eV", "eV/Å/Å", "eV/atom", "kcal/Å", "eV Å", "force", "-Ha/Bohr", "(-Ha)/Bohr", "Ha/-Bohr", "-a.u.", "−eV/Å"],
)
def test_what_is_no_unit_of_force_is_not_taken_for_one(written):
    with pytest.raises(SettingError, match="such as hartree/bohr"):
        named(Owner(), "forces_unit", written)


def test_forces_are_in_their_own_unit_or_in_that_of_energies_per_that_of_positions():
    assert forces_unit(Owner(), None, "", FILE, 0.5) == 0.5
    assert forces_unit(Owner(), None, "Ha/Bohr", FILE, 0.5) == HARTREE / BOHR
    assert forces_unit(Owner(), "kcal/mol/Å", "", FILE, 0.5) == KCAL_PER_MOL
    with pytest.raises(SettingError, match="states the forces unit 'hartree/bohr', not 'eV/Å'"):
        forces_unit(Owner(), "eV/Å", "Ha/Bohr", FILE, 0.5)
    with pytest.raises(SettingError, match="states the forces unit 'pN', which is not known"):
        forces_unit(Owner(), None, "pN", FILE, 0.5)


def test_lengths_have_units_too():
    assert length_unit(Owner(), None, "bohr", FILE) == BOHR


def test_a_unit_that_nobody_states_is_asked_for():
    assert refusal(SettingError, None, "") == (
        "some.npz does not state its energy unit. Expected one of eV, meV, hartree, Ry, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of Owner."
    )


def test_another_unit_than_the_file_states_is_refused():
    assert refusal(SettingError, "eV", "Ha") == (
        "some.npz states the energy unit 'hartree', not 'eV'. Expected the unit of the file. "
        "Change the argument energy_unit of Owner."
    )


def test_a_unit_that_nobody_knows_is_refused():
    assert refusal(SettingError, "cm-1", "") == (
        "energy_unit is 'cm-1', expected one of eV, meV, hartree, Ry, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of Owner."
    )


def test_a_word_of_the_file_that_nobody_knows_gives_way_to_that_of_the_user():
    assert energy_unit(Owner(), "hartree", "E_hartree", FILE) == HARTREE
    assert refusal(SettingError, None, "E_hartree") == (
        "some.npz states the energy unit 'E_hartree', which is not known. Expected one of eV, meV, hartree, Ry, "
        "kcal/mol, kJ/mol, which is then believed. Change the argument energy_unit of Owner."
    )
