from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import DataFileError
from potbench.readers.stated import Claim, Stated, stated_in

CLAIM = Claim("PBE+TS", "kcal/mol", names=("ethanol",))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"e_unit": "eV", "r_unit": b"Ang"}, Stated("eV", "Ang")),
        ({"Energy_Unit": "Ha", "length_units": "a0", "force_unit": "Ha/a0"}, Stated("Ha", "a0", "Ha/a0")),
        ({"units": {"energy": "Ha", "forces": "Ha/Bohr", "positions": "Ang"}}, Stated("Ha", "Ang", "Ha/Bohr")),
        ({"_property_unit_dict": {"energy": "Ha"}, "_distance_unit": "Bohr"}, Stated("Ha", "Bohr")),
        ({"lot": "B3LYP", "basis": "def2-SVP", "name": "water"}, Stated(theory="B3LYP/def2-SVP", name="water")),
        ({"units": ["Ha"], "theory": 3, "e_unit": None}, Stated()),
    ],
)
def test_files_state_facts_under_many_names(facts, expected):
    assert stated_in(facts) == expected


@pytest.mark.parametrize(
    ("stated", "says"),
    [
        (Stated("eV"), "energies in eV, not in kcal/mol"),
        (Stated(length_unit="Bohr"), "positions in Bohr, not in Å"),
        (Stated(forces_unit="kcal/mol/Bohr"), "forces in kcal/mol/Bohr, not in kcal/mol/Å"),
        (Stated(theory="Psi4: CCSD(T), cc-pVTZ"), "the level of theory Psi4: CCSD(T), cc-pVTZ, not PBE+TS"),
        (Stated(theory="PBE0+TS"), "the level of theory PBE0+TS, not PBE+TS"),
        (Stated(theory="PBE+MBD"), "the level of theory PBE+MBD, not PBE+TS"),
        (Stated(name="dimethyl ether"), "the name dimethyl ether, not ethanol"),
    ],
)
def test_each_fact_that_contradicts_a_claim_is_named(stated, says):
    assert CLAIM.contradictions(stated) == [says]


@pytest.mark.parametrize(
    "stated",
    [
        Stated("kcal mol^-1", "Angstrom", "kcal/(mol A)", "FHI-aims: PBE + vdW(TS)", "Ethanol"),
        Stated("some word", "another", "a third", "unknown", "md17_ethanol_dft"),
        Stated(),
    ],
)
def test_facts_that_agree_or_are_not_understood_pass(stated):
    CLAIM.require(stated, "ethanol of MD17", Path("a.npz"))


@pytest.mark.parametrize(
    ("stated", "claimed"),
    [
        ("wB97x/6-31G*", "ωB97X/6-31G(d)"),
        ("Psi4: CCSD(T), cc-pVTZ", "CCSD(T)/cc-pVTZ"),
        ("B3LYP", "B3LYP/6-31G(2df,p)"),
    ],
)
def test_a_level_of_theory_has_many_spellings(stated, claimed):
    assert Claim(claimed, "hartree").contradictions(Stated(theory=stated)) == []


@pytest.mark.parametrize(
    ("stated", "claimed"),
    [("wB97x/def2-TZVP", "ωB97X/6-31G(d)"), ("CCSD(T)/cc-pVDZ", "CCSD(T)/cc-pVTZ"), ("PBE+TS", "PBE/def2-SVP")],
)
def test_other_basis_sets_and_dispersion_are_other_levels_of_theory(stated, claimed):
    assert len(Claim(claimed, "hartree").contradictions(Stated(theory=stated))) == 1


def test_all_contradictions_are_in_one_message():
    with pytest.raises(
        DataFileError, match=r"^a\.npz is not ethanol of MD17: it states no atoms; energies in eV, not in kc"
    ):
        CLAIM.require(Stated("eV"), "ethanol of MD17", Path("a.npz"), "no atoms")


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"energy_unit": "Ha", "energy_units": "eV"}, "energy unit Ha and eV"),
        ({"units": {"energy": "Ha"}, "e_unit": "eV"}, "energy unit Ha and eV"),
        ({"_distance_unit": "Ang", "Length_Unit": "Bohr"}, "length unit Ang and Bohr"),
        ({"force_unit": "Ha/Bohr", "forces_unit": "eV/A"}, "forces unit eV/A and Ha/Bohr"),
    ],
)
def test_two_names_that_state_different_units_are_refused(facts, says):
    with pytest.raises(DataFileError, match=rf"^a\.npz states the {says}\. Expected one of them"):
        stated_in(facts, file="a.npz")


def test_two_spellings_of_a_unit_agree_and_the_own_unit_of_a_label_comes_first():
    assert stated_in({"energy_unit": "Ha", "e_unit": "Hartree"}).energy_unit == "Ha"
    of_others = {"energy_unit": "eV", "dft_energy_unit": "Ha"}
    assert stated_in(of_others, energy_key="dft_energy").energy_unit == "Ha"
