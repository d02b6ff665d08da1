"""ASE databases: any structures with energies, and forces where there are some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.errors import SettingError
from potbench.readers.ase_database import Labels, elements_of, has, names_in, rows, stated_units
from potbench.readers.structures import conformers
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import Frames


class ASEDatabase(Dataset):
    """Any ASE database, its energies and forces in calculators, key-value pairs or data arrays.

    Units that SchNetPack wrote into a database are used; other databases do not state theirs.

    Source: Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017), doi:10.1088/1361-648X/aa680e.

    Args:
        file: the database, .db or .json.
        energy_unit: unit of the energies; needed where the database does not state it.
        length_unit: unit of the positions; needed where the database does not state it.
        energy_key: name of the energies.
        forces_key: name of the forces; None leaves them out.
        molecule_key: name of the key-value pair that tells molecules apart; by default they go by their formula.
        theory: level of theory.
        license: license of the data.
        citation: reference to cite.
        columns: names of further numbers or texts, by which frames can be weighted.
    """

    def __init__(
        self,
        file: Path | str,
        energy_unit: EnergyUnit | None = None,
        length_unit: LengthUnit | None = None,
        energy_key: str = "energy",
        forces_key: str | None = "forces",
        molecule_key: str | None = None,
        theory: str = "not stated",
        license: str = "not stated",
        citation: str = "not stated",
        columns: Sequence[str] = (),
    ) -> None:
        self.file = Path(file)
        self.energy_unit = energy_unit
        self.length_unit = length_unit
        self.energy_key = energy_key
        self.forces_key = forces_key
        self.molecule_key = molecule_key
        self.columns = list(columns)
        self.theory = theory
        self.license = license
        self.citation = citation

    @property
    @override
    def info(self) -> DatasetInfo:
        has_forces = self.forces_key is not None and has(self._first_row, self.forces_key)
        return DatasetInfo(self.file.stem, self.theory, self.citation, self.license, has_forces)

    @property
    @override
    def elements(self) -> list[str]:
        return elements_of(self.require(self.file))

    @property
    @override
    def files(self) -> list[Path]:
        return [self.file]

    @property
    @override
    def options(self) -> dict[str, object]:
        keys = ("energy_unit", "length_unit", "energy_key", "forces_key", "molecule_key")
        columns = {"columns": self.columns} if self.columns else {}
        return {key: getattr(self, key) for key in keys} | columns

    @override
    def read(self) -> Iterator[Frames]:
        stated_energy, stated_length = stated_units(self.require(self.file), self.energy_key)
        energy = energy_unit(self, self.energy_unit, stated_energy, self.file)
        length = length_unit(self, self.length_unit, stated_length, self.file)
        self._require_keys(self._first_row)
        forces = self.forces_key if self.info.has_forces else None
        labels = Labels(self.energy_key, forces, energy, length, self.molecule_key, self.columns)
        yield from conformers((labels.structure(row, self.file) for row in rows(self.file)), str(self.file))

    @property
    def _first_row(self) -> Any:
        return next(rows(self.require(self.file)))

    def _require_keys(self, row: Any) -> None:
        missing = [("energy_key", self.energy_key)] if not has(row, self.energy_key) else []
        if self.molecule_key is not None and self.molecule_key not in row.key_value_pairs:
            missing.append(("molecule_key", self.molecule_key))
        missing += [("columns", name) for name in self.columns if not has(row, name)]
        for setting, key in missing:
            problem = f"{self.file}, row {row.id} has no {key}, only {names_in(row)}"
            raise SettingError(self, setting, key, "the name of one of these", problem)
