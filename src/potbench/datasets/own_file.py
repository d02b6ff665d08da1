"""Files of the user's own, whose labels go by names and units that the user states."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo, Trajectory
from potbench.errors import DataFileError, require_positive
from potbench.readers.file_state import FileState, state_of
from potbench.readers.labels import Labels
from potbench.readers.stated import Stated, states
from potbench.readers.survey import FORCES, Survey
from potbench.readers.units import energy_unit, forces_unit, length_unit, named
from potbench.structures import SYMBOLS, Column, Frames
from potbench.units import MEV


class OwnFile(Dataset):
    """A file of frames with values by name: energies, and forces where there are some.

    Args:
        file: the file.
        energy_unit: unit of the energies: eV, meV, hartree, Ry, kcal/mol or kJ/mol; needed where the file does not
            state it.
        length_unit: unit of the positions: Å, bohr, nm or pm; needed where the file does not state it.
        energy_key: name of the energies.
        forces_key: name of the forces; None leaves them out.
        molecule_key: name of the value that tells molecules apart; by default they go by their formula.
        theory: level of theory; by default the one the file states.
        license: license of the data.
        citation: reference to cite.
        columns: names of further numbers or texts, by which frames can be weighted.
        forces_unit: unit of the forces, such as hartree/bohr; where neither the file nor this states it, that of the
            energies per that of the positions.
        partial_labels: whether frames that lack energy or forces are read as well; they train on what they have.
        temperature: of the molecular dynamics in the canonical ensemble from which the frames are, in K, with which
            `examine` compares; None where they are from none.
        sampled_by: level of theory of those dynamics, where the labels are of another.
    """

    def __init__(
        self,
        file: Path | str,
        energy_unit: str | None = None,
        length_unit: str | None = None,
        energy_key: str = "energy",
        forces_key: str | None = FORCES,
        molecule_key: str | None = None,
        theory: str = "not stated",
        license: str = "not stated",
        citation: str = "not stated",
        columns: Sequence[str] = (),
        forces_unit: str | None = None,
        partial_labels: bool = False,
        temperature: float | None = None,
        sampled_by: str = "",
    ) -> None:
        require_positive(self, temperature=temperature)
        self.file = Path(file)
        self.energy_unit = named(self, "energy_unit", energy_unit)
        self.length_unit = named(self, "length_unit", length_unit)
        self.forces_unit = named(self, "forces_unit", forces_unit)
        self.energy_key = energy_key
        self.forces_key = forces_key
        self.molecule_key = molecule_key
        self.columns = list(columns)
        self.partial_labels = partial_labels
        self.theory = theory
        self.license = license
        self.citation = citation
        self._surveyed: tuple[FileState | None, Survey] | None = None
        self._trajectory = None if temperature is None else Trajectory(temperature, sampled_by)

    @abstractmethod
    def survey(self) -> Survey:
        """Return what the frames carry by name; reads the whole file."""

    def stated(self) -> Stated:
        """Return what the file states of itself."""
        return Stated()

    @abstractmethod
    def frames(self, labels: Labels) -> Iterator[Frames]:
        """Yield the frames with these labels."""

    @cached_property
    @override
    def name(self) -> str:
        return self.file.stem

    @property
    @override
    def info(self) -> DatasetInfo:
        has_forces = self.forces_key in self._survey.names
        theory = (self.stated().theory if self.theory == "not stated" else "") or self.theory
        return DatasetInfo(self.name, theory, self.citation, self.license, has_forces)

    @property
    @override
    def trajectory(self) -> Trajectory | None:
        return self._trajectory

    @property
    @override
    def elements(self) -> list[str]:
        return self._survey.elements

    @property
    @override
    def files(self) -> list[Path]:
        return [self.file]

    @property
    @override
    def options(self) -> dict[str, object]:
        keys = ("energy_unit", "length_unit", "energy_key", "forces_key", "molecule_key")
        # stores of earlier versions, which did not have them, are found where they are not used
        given = [key for key in ("columns", "forces_unit", "partial_labels") if getattr(self, key)]
        return {key: getattr(self, key) for key in (*keys, *given)}

    @property
    @override
    def given_facts(self) -> Mapping[str, str]:
        facts = {"theory": self.theory, "license": self.license, "citation": self.citation}
        return {name: text for name, text in facts.items() if text != "not stated"}

    @override
    def read(self) -> Iterator[Frames]:
        survey, stated = self._survey, self.stated()
        energy = energy_unit(self, self.energy_unit, stated.energy_unit, self.file)
        length = length_unit(self, self.length_unit, stated.length_unit, self.file)
        force = forces_unit(self, self.forces_unit, stated.forces_unit, self.file, energy / length)
        partial = self.partial_labels
        survey.require(self, "energy_key", self.energy_key, partial=partial)
        survey.require(self, "molecule_key", self.molecule_key)
        for name in self.columns:
            survey.require(self, "columns", name)
        survey.require_forces(self, self.forces_key, partial=partial)
        forces_key = self.forces_key if self.forces_key in survey.names else None
        yield from self.frames(
            Labels(self.energy_key, forces_key, energy, length, force, self.molecule_key, self.columns, partial)
        )

    @override
    def isolated_atom_energies(self) -> Mapping[str, float] | None:
        """Return the energies of the single atoms in the file, in eV; None where there are none.

        Raises:
            DataFileError: those of an element differ, such as of an atom and its ion.
        """
        survey = self._survey
        if not survey.isolated:
            return None
        unit = energy_unit(self, self.energy_unit, self.stated().energy_unit, self.file)
        found = {}
        for number, ((lowest, first), (highest, second)) in survey.isolated.items():
            found[SYMBOLS[number]] = lowest * unit
            if (highest - lowest) * unit > MEV:
                raise DataFileError(
                    f"{self.file}: single atoms of {SYMBOLS[number]} have different energies, {lowest * unit:.6g} eV "
                    f"in {survey.frame} {first} and {highest * unit:.6g} eV in {survey.frame} {second}. Expected one: "
                    "leave ions and excited atoms out, or give the reference energies as numbers."
                )
        return found

    @override
    def remarks(self) -> list[str]:
        survey, partial = self._survey, [self.energy_key, self.forces_key] if self.partial_labels else []
        counts = [survey.counts(key) for key in partial if key in survey.names and survey.lacks(key)]
        read = [*self._keys, *filter(states, survey.names)]
        return [*(f"{self.file.name} has {count}." for count in counts), *survey.remarks(read)]

    @override
    def unread(self) -> Mapping[str, Column]:
        return self._survey.columns(self._keys)

    @property
    def _keys(self) -> list[str | None]:
        return [self.energy_key, self.forces_key, self.molecule_key, *self.columns]

    @property
    def _survey(self) -> Survey:
        state = state_of(self.require(self.file))
        if self._surveyed is None or self._surveyed[0] != state:
            self._surveyed = state, self.survey()
        return self._surveyed[1]
