"""Understand the names of units as people write them."""

from __future__ import annotations

import re
import unicodedata

SPELLINGS = {
    "eV": "ev evs electronvolt electronvolts",
    "meV": "mev",
    "hartree": "hartree hartrees ha eh e_h",
    "Ry": "ry ryd rydberg rydbergs",
    "kcal": "kcal kcals kilocalorie kilocalories",
    "kJ": "kj kilojoule kilojoules",
    "mol": "mol mole moles",
    "Å": "å a ang angs angstrom angstroms ångström ångstrom",
    "bohr": "bohr bohrs bohr_radius a0 a_0",
    "nm": "nm nanometer nanometers nanometre nanometres",
    "pm": "pm picometer picometers picometre picometres",
    "atomic": "au a.u. a.u",
}
NAMES = {spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings.split()}
ENERGIES = {**{name: name for name in ("eV", "meV", "hartree", "Ry")}, "atomic": "hartree"}
LENGTHS = {**{name: name for name in ("Å", "bohr", "nm", "pm")}, "atomic": "bohr"}
PER_MOLE = ("kcal", "kJ")
WRITTEN = str.maketrans("\N{MINUS SIGN}\N{MIDDLE DOT}\N{DOT OPERATOR}\N{MULTIPLICATION SIGN}{}", "-***()")
# a factor with its exponent of −1, or what divides
TOKEN = re.compile(r"(?P<name>[^\W\d_][\w.]*?)(?P<inverse>\s*(?:\^|\*\*)?\s*\(?\s*-\s*1\)?)?(?=$|[\s*/()-])|(?P<per>/)")


def energy(text: str) -> str | None:
    """Return potbench's name of a unit of energy such as Hartree or kcal mol^-1; None for one that is not known."""
    numerator, denominator = _factors(text)
    return None if denominator else _energy(numerator)


def length(text: str) -> str | None:
    """Return potbench's name of a unit of length such as Ang; None for one that is not known."""
    numerator, denominator = _factors(text)
    return LENGTHS.get(numerator[0]) if len(numerator) == 1 and not denominator else None


def force(text: str) -> tuple[str, str] | None:
    """Return potbench's names of the energy and the length of a unit of force such as Ha/Bohr or kcal mol-1 A-1.

    None for one that is not known.
    """
    numerator, denominator = _factors(text)
    if numerator == ["atomic"] and not denominator:
        return "hartree", "bohr"
    if len(denominator) != 1 or denominator[0] not in LENGTHS:
        return None
    of_energy = _energy(numerator)
    return None if of_energy is None else (of_energy, LENGTHS[denominator[0]])


def _energy(numerator: list[str]) -> str | None:
    if len(numerator) == 1:
        return ENERGIES.get(numerator[0], numerator[0] if numerator[0].endswith("/mol") else None)
    return None


def _factors(text: str) -> tuple[list[str], list[str]]:
    """Return the names of what is multiplied, and of what divides; kcal and mol are one. Nothing where one is unknown.

    All behind a stroke divides: kcal/mol/Å, kcal/(mol Å) and kcal/mol·Å are the same.
    """
    plain = unicodedata.normalize("NFKC", text.strip()).translate(WRITTEN)
    plain = re.sub(r"atomic[ _]units?", "au", re.sub(r"[\s_]per[\s_]", "/", plain), flags=re.IGNORECASE)
    numerator: list[str] = []
    denominator: list[str] = []
    divides, end, is_name = False, 0, False
    for match in TOKEN.finditer(plain):
        between = plain[end : match.start()]
        # a stroke joins two names, as in kcal/mol-A; any other is a sign
        joins = is_name and not match["per"] and between == "-"
        if between.strip(" *()") and not joins:
            return [], []
        end, is_name = match.end(), not match["per"]
        if match["per"]:
            divides = True
            continue
        name = _name(match["name"])
        if name is None:
            return [], []
        (denominator if divides or match["inverse"] else numerator).append(name)
    if plain[end:].strip(" ()"):
        return [], []
    for name in PER_MOLE:
        if name in numerator and "mol" in denominator:
            numerator[numerator.index(name)] = f"{name}/mol"
            denominator.remove("mol")
    return numerator, denominator


def _name(written: str) -> str | None:
    # a capital M is mega
    mega = written[0] == "M" and written.lower() in SPELLINGS["meV"].split()
    return None if mega else NAMES.get(written.lower())
