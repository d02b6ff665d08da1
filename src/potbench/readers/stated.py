"""What a file states of itself: units, level of theory, name; and whether a dataset can be what it claims."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from potbench.errors import DataFileError
from potbench.readers import spelling

METHODS = re.compile(
    r"ccsd\(t\)|ccsdt|ccsd|mp2|mp4|fci|casscf|\bhf\b|hartree-fock|pbe0|revpbe|rpbe|pbesol|pbe|b3lyp|blyp|bp86|"
    r"b97m-[vd]\w*|wb97m|wb97x|r2scan|scan|tpssh?|m06-?\w*|cam-b3lyp|gfn\d?|xtb|dftb|am1\b|pm[67]\b|lda\b|bhandhlyp"
)
BASIS_SETS = re.compile(r"(?:aug-)?cc-p\w+|6-31\d?\+*g(?:\([\w,]+\))?|def2-?\w+|sto-3g|\bcbs\b")
DISPERSION = re.compile(r"(?<![a-z])(?:ts|mbd|d3|d4|vv10)(?![a-z])")
"""Of levels of theory in small letters; others cannot be told apart."""
THEORY = ("theory", "lot", "level_of_theory", "theory_level", "method", "functional")
LENGTHS = ("distance", "length", "position", "positions", "coordinate", "coordinates", "r")
SPELLED: dict[str, Callable[[str], object]] = {
    "energy": spelling.energy,
    "length": spelling.length,
    "forces": spelling.force,
}
"""What has a unit → potbench's name of a unit in any spelling."""


class Stated(NamedTuple):
    """What a file states of itself; empty where it does not.

    Attributes:
        energy_unit: unit of the energies, as the file writes it.
        length_unit: unit of the positions.
        forces_unit: unit of the forces.
        theory: level of theory.
        name: of the molecule or dataset.
    """

    energy_unit: str = ""
    length_unit: str = ""
    forces_unit: str = ""
    theory: str = ""
    name: str = ""


class Claim(NamedTuple):
    """What a published dataset is known to be.

    Attributes:
        theory: level of theory of its labels.
        energy_unit: unit of the energies in its files.
        length_unit: unit of the positions in its files.
        names: words of which its name holds one, in small letters; empty for any name.
    """

    theory: str
    energy_unit: str
    length_unit: str = "Å"
    names: tuple[str, ...] = ()

    def contradictions(self, stated: Stated) -> list[str]:
        """Return what a file states that cannot be so, as the ends of sentences; words that are unknown pass."""
        found = []
        of_energy, of_length = spelling.energy(stated.energy_unit), spelling.length(stated.length_unit)
        of_force = spelling.force(stated.forces_unit)
        if of_energy not in {None, self.energy_unit}:
            found.append(f"energies in {stated.energy_unit}, not in {self.energy_unit}")
        if of_length not in {None, self.length_unit}:
            found.append(f"positions in {stated.length_unit}, not in {self.length_unit}")
        if of_force not in {None, (self.energy_unit, self.length_unit)}:
            found.append(f"forces in {stated.forces_unit}, not in {self.energy_unit}/{self.length_unit}")
        if _differ(stated.theory, self.theory):
            found.append(f"the level of theory {stated.theory}, not {self.theory}")
        name = stated.name.lower()
        if self.names and name and not any(word in name for word in self.names):
            found.append(f"the name {stated.name}, not {self.names[0]}")
        return found

    def require(self, stated: Stated, dataset: str, file: Path, *others: str) -> None:
        """Raise DataFileError where a file states that it is something else.

        Args:
            stated: what it states.
            dataset: what it was given as.
            file: the file.
            others: further contradictions, as the ends of sentences.
        """
        found = [*others, *self.contradictions(stated)]
        if found:
            raise DataFileError(
                f"{file} is not {dataset}: it states {'; '.join(found)}. Expected the "
                "published file; another is a file of your own, with its own units and level of theory."
            )


def stated_in(
    *facts: Mapping[str, object],
    energy_key: str = "energy",
    forces_key: str | None = "forces",
    file: Path | str = "The file",
) -> Stated:
    """Return what a file states, of whatever metadata it has.

    Args:
        facts: name → value: text, bytes, or a mapping of properties to their units.
        energy_key: name of the energies in mappings of units.
        forces_key: name of the forces there.
        file: the file, for messages.

    Raises:
        DataFileError: two names state different units of the same.
    """
    plain: dict[str, list[object]] = {}
    for name, value in (fact for some in facts for fact in some.items()):
        plain.setdefault(name.lower().lstrip("_"), []).append(value)
    units: dict[str, object] = {}
    for name in ("units", "property_units", "property_unit_dict"):
        for value in plain.get(name, ()):
            if isinstance(value, Mapping):
                units |= {str(key): unit for key, unit in value.items()}

    def texts(*names: str) -> list[str]:
        return [text for name in names for value in plain.get(name, ()) if (text := _text(value))]

    def unit(kind: str, own: str, names: tuple[str, ...], properties: tuple[str, ...]) -> str:
        of_property = [text for name in properties if (text := _text(units.get(name)))][:1]
        of_own, of_kind = ([f"{name}_unit{s}" for name in each for s in ("", "s")] for each in ((own,), names))
        # a unit under the label's own name comes before that of its kind
        found = [*of_property, *texts(*of_own)] if own not in names else []
        found = found or [*of_property, *texts(*of_kind)]
        if len({SPELLED[kind](text) or text for text in found}) > 1:
            both = " and ".join(dict.fromkeys(found))
            raise DataFileError(f"{file} states the {kind} unit {both}. Expected one of them; remove the wrong one.")
        return found[0] if found else ""

    theory, basis = texts(*THEORY), texts("basis", "basis_set")
    called = texts("name", "molecule", "system", "dataset")
    forces_key = forces_key or "forces"
    return Stated(
        energy_unit=unit("energy", energy_key.lower(), ("energy", "energies", "e"), (energy_key,)),
        length_unit=unit(
            "length", "length", LENGTHS, ("positions", "position", "coordinates", "distance", "length", "R")
        ),
        forces_unit=unit("forces", forces_key.lower(), ("forces", "force", "f"), (forces_key,)),
        theory="/".join([*theory[:1], *basis[:1]]) if theory else "",
        name=called[0] if called else "",
    )


def states(name: str) -> bool:
    """Return whether a unit, or the level of theory, stands under a name."""
    if "unit" not in name.lower():
        return name.lower() == "theory"
    return stated_in({name: "stated"})._replace(theory="", name="") != Stated()


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace").strip()
    return value.strip() if isinstance(value, str) else ""


def _differ(stated: str, claimed: str) -> bool:
    """Return whether two levels of theory name other methods, basis sets or dispersion; unknown words do not."""

    def words(pattern: re.Pattern[str]) -> tuple[set[str], set[str]]:
        return set(pattern.findall(_plain(stated))), set(pattern.findall(_plain(claimed)))

    (methods, right_methods), (basis_sets, right_basis_sets) = words(METHODS), words(BASIS_SETS)
    dispersion, right_dispersion = words(DISPERSION)
    return (
        (bool(methods) and bool(right_methods - methods))
        or (bool(basis_sets) and bool(right_basis_sets - basis_sets))
        or (bool(dispersion) and dispersion != right_dispersion)
    )


def _plain(theory: str) -> str:
    return theory.lower().replace("ω", "w").replace("g**", "g(d,p)").replace("g*", "g(d)")
