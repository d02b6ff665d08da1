from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import DataFileError, SettingError
from potbench.readers.units import WRITTEN_AS, energy_unit, length_unit
from potbench.units import BOHR, HARTREE


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


@pytest.mark.parametrize("written", sorted(WRITTEN_AS))
def test_files_may_write_a_unit_in_their_own_way(written):
    find = energy_unit if written == "Ha" else length_unit
    assert find(Owner(), None, written, FILE) == find(Owner(), WRITTEN_AS[written], "", FILE)


def test_lengths_have_units_too():
    assert length_unit(Owner(), None, "bohr", FILE) == BOHR


def test_a_unit_that_nobody_states_is_asked_for():
    assert refusal(SettingError, None, "") == (
        "some.npz does not state its energy unit. Expected one of eV, meV, hartree, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of Owner."
    )


def test_another_unit_than_the_file_states_is_refused():
    assert refusal(SettingError, "eV", "Ha") == (
        "some.npz states the energy unit 'hartree', not 'eV'. Expected the unit of the file. "
        "Change the argument energy_unit of Owner."
    )


def test_a_unit_that_nobody_knows_is_refused():
    assert refusal(SettingError, "Ry", "") == (
        "energy_unit is 'Ry', expected one of eV, meV, hartree, kcal/mol, kJ/mol. "
        "Change the argument energy_unit of Owner."
    )


@pytest.mark.parametrize("given", [None, "Ry", "eV"])
def test_a_file_in_a_unit_that_nobody_knows_has_to_be_converted(given):
    assert refusal(DataFileError, given, "Ry") == (
        "some.npz states the energy unit 'Ry'. Expected one of eV, meV, hartree, kcal/mol, kJ/mol; convert the file."
    )
