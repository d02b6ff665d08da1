"""Extended XYZ: any structures with energies, and forces where there are some."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from potbench.datasets.dataset import Dataset, Description
from potbench.errors import DataFileError
from potbench.readers.structures import Structure, conformers
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import SYMBOLS, Frames


class ExtendedXYZ(Dataset):
    """Any extended XYZ file. Such files say nothing of units, so they have to be given.

    A file that was cut between two frames looks like a whole one: compare the number of frames with its source.

    Args:
        file: the file.
        energy_unit: unit of the energies.
        length_unit: unit of the positions; forces are in the one by the other.
        energy_key: name of the energies in the comment lines.
        forces_key: name of the columns of forces; None leaves them out.
        molecule_key: name in the comment lines that tells molecules apart; by default they go by their formula.
        theory: level of theory.
        licence: licence of the data.
        citation: whom to cite.
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
        licence: str = "not stated",
        citation: str = "not stated",
    ) -> None:
        self.file = Path(file)
        self.energy_unit = energy_unit
        self.length_unit = length_unit
        self.energy_key = energy_key
        self.forces_key = forces_key
        self.molecule_key = molecule_key
        self.theory = theory
        self.licence = licence
        self.citation = citation

    @cached_property
    def description(self) -> Description:  # noqa: D102
        has_forces = self.forces_key is not None and self.forces_key in _values(next(self._images()))
        return Description(self.file.stem, self.theory, self.citation, self.licence, has_forces)

    @cached_property
    def elements(self) -> list[str]:  # noqa: D102
        numbers: set[int] = set()
        for image in self._images():
            numbers.update(image.numbers.tolist())
        return [SYMBOLS[number] for number in sorted(numbers)]

    @property
    def files(self) -> list[Path]:  # noqa: D102
        return [self.file]

    @property
    def options(self) -> dict[str, object]:  # noqa: D102
        keys = ("energy_unit", "length_unit", "energy_key", "forces_key", "molecule_key")
        return {key: getattr(self, key) for key in keys}

    def read(self) -> Iterator[Frames]:  # noqa: D102
        energy = energy_unit("", self.energy_unit, self.file)
        length = length_unit("", self.length_unit, self.file)
        yield from conformers(self._structures(energy, length), str(self.file))

    def _structures(self, energy: float, length: float) -> Iterator[Structure]:
        forces_key = self.forces_key if self.description.has_forces else None
        for number, image in enumerate(self._images()):
            where = f"{self.file}, frame {number}"
            if image.pbc.any():
                raise DataFileError(
                    f"{where} is periodic, and these potentials are of molecules. Expected structures without "
                    "periodic boundaries."
                )
            values = _values(image)
            needed = [key for key in (self.energy_key, forces_key, self.molecule_key) if key is not None]
            missing = [key for key in needed if key not in values]
            if missing:
                raise DataFileError(
                    f"{where} has no {', '.join(missing)}, only {', '.join(sorted(values)) or 'positions'}. Change "
                    "energy_key, forces_key or molecule_key of data.init_args.dataset.init_args."
                )
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
            )

    def _images(self) -> Iterator[Any]:
        from ase.io import iread

        if not self.file.is_file():
            raise DataFileError(
                f"{self.file} does not exist. Expected an extended XYZ file there. Change "
                "data.init_args.dataset.init_args.file."
            )
        number = 0
        try:
            for image in iread(self.file, format="extxyz"):
                yield image
                number += 1
        except (DataFileError, GeneratorExit):
            raise
        except Exception as error:  # ASE raises whatever a damaged line makes it raise
            raise DataFileError(
                f"{self.file} cannot be read as extended XYZ from frame {number} on ({type(error).__name__}: {error}). "
                "It is cut short, damaged or another kind of file."
            ) from error
        if not number:
            raise DataFileError(f"{self.file} holds no structure. Expected at least one.")


def _values(image: Any) -> dict[str, Any]:
    """Everything that a frame carries by name; ASE keeps what it takes for a calculator's results apart."""
    results = image.calc.results if image.calc else {}
    arrays = {name: array for name, array in image.arrays.items() if name not in {"numbers", "positions"}}
    return {**arrays, **image.info, **results}
