"""Extended XYZ: any structures with energies, and forces where there are some."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from potbench.datasets.dataset import Dataset, DatasetInfo
from potbench.errors import DataFileError, SettingError
from potbench.readers.extended_xyz import images, named_values
from potbench.readers.structures import Structure, column_value, conformers
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import SYMBOLS, Frames


class ExtendedXYZ(Dataset):
    """Any extended XYZ file. Such files do not state their units, so they must be given.

    A file that was truncated between two frames looks complete: compare the number of frames with its source.

    Args:
        file: the file.
        energy_unit: unit of the energies.
        length_unit: unit of the positions; forces are in the one per the other.
        energy_key: name of the energies in the comment lines.
        forces_key: name of the columns of forces; None leaves them out.
        molecule_key: name in the comment lines that tells molecules apart; by default they go by their formula.
        theory: level of theory.
        license: license of the data.
        citation: reference to cite.
        columns: names in the comment lines of further numbers or texts, by which frames can be weighted.
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

    @cached_property
    @override
    def info(self) -> DatasetInfo:
        has_forces = self.forces_key is not None and self.forces_key in named_values(next(self._images()))
        return DatasetInfo(self.file.stem, self.theory, self.citation, self.license, has_forces)

    @cached_property
    @override
    def elements(self) -> list[str]:
        numbers: set[int] = set()
        for image in self._images():
            numbers.update(image.numbers.tolist())
        return [SYMBOLS[number] for number in sorted(numbers)]

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
        energy = energy_unit(self, self.energy_unit, "", self.file)
        length = length_unit(self, self.length_unit, "", self.file)
        yield from conformers(self._structures(energy, length), str(self.file))

    def _structures(self, energy: float, length: float) -> Iterator[Structure]:
        forces_key = self.forces_key if self.info.has_forces else None
        for number, image in enumerate(self._images()):
            where = f"{self.file}, frame {number}"
            values = named_values(image)
            self._require_keys(values, number, where)
            try:
                total = float(values[self.energy_key])
                forces = None if forces_key is None else np.asarray(values[forces_key], dtype=np.float64)
            except (TypeError, ValueError) as error:
                raise DataFileError(f"{where}: {self.energy_key} or {forces_key} is no number ({error}).") from error
            yield Structure(
                molecule=image.get_chemical_formula() if self.molecule_key is None else str(values[self.molecule_key]),
                atomic_numbers=image.numbers,
                positions=image.positions * length,
                energy=total * energy,
                forces=None if forces is None else forces * (energy / length),
                columns={name: column_value(values[name], name, where) for name in self.columns},
            )

    def _require_keys(self, values: dict[str, Any], number: int, where: str) -> None:
        wanted = [("energy_key", self.energy_key), ("molecule_key", self.molecule_key)]
        if self.info.has_forces:
            wanted.append(("forces_key", self.forces_key))
        for setting, key in (*wanted, *(("columns", name) for name in self.columns)):
            if key is None or key in values:
                continue
            problem = f"{where} has no {key}, only {', '.join(sorted(values)) or 'positions'}"
            if number:
                raise DataFileError(f"{problem}. Expected it in every frame, as in the first.")
            raise SettingError(self, setting, key, "the name of one of these", problem)

    def _images(self) -> Iterator[Any]:
        return images(self.require(self.file))
