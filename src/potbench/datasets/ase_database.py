"""ASE databases: any structures with energies, and forces where there are some."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from potbench.datasets.dataset import Dataset, Description
from potbench.errors import DataFileError
from potbench.readers.structures import Structure, conformers
from potbench.readers.units import EnergyUnit, LengthUnit, energy_unit, length_unit
from potbench.structures import SYMBOLS, Frames

UNITS, DISTANCE = "_property_unit_dict", "_distance_unit"
"""Where SchNetPack keeps the units in a database's metadata."""


class ASEDatabase(Dataset):
    """Any ASE database: energies and forces as calculators, key-value pairs or data arrays hold them.

    The units that SchNetPack writes into a database are taken; other databases do not say theirs.

    Source: Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017), doi:10.1088/1361-648X/aa680e.

    Args:
        file: the database, .db or .json.
        energy_unit: unit of the energies; needed where the database does not say.
        length_unit: unit of the positions; needed where the database does not say.
        energy_key: name of the energies.
        forces_key: name of the forces; None leaves them out.
        molecule_key: name of the key-value pair that tells molecules apart; by default they go by their formula.
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

    @property
    def description(self) -> Description:  # noqa: D102
        has_forces = self.forces_key is not None and has(next(rows(self.file)), self.forces_key)
        return Description(self.file.stem, self.theory, self.citation, self.licence, has_forces)

    @property
    def elements(self) -> list[str]:  # noqa: D102
        return elements_of(self.file)

    @property
    def files(self) -> list[Path]:  # noqa: D102
        return [self.file]

    @property
    def options(self) -> dict[str, object]:  # noqa: D102
        keys = ("energy_unit", "length_unit", "energy_key", "forces_key", "molecule_key")
        return {key: getattr(self, key) for key in keys}

    def read(self) -> Iterator[Frames]:  # noqa: D102
        metadata = read_metadata(self.file)
        energy = energy_unit(str(metadata.get(UNITS, {}).get(self.energy_key, "")), self.energy_unit, self.file)
        length = length_unit(str(metadata.get(DISTANCE, "")), self.length_unit, self.file)
        forces = self.forces_key if self.description.has_forces else None
        labels = Labels(self.energy_key, forces, energy, length, self.molecule_key)
        yield from conformers((labels.structure(row, self.file) for row in rows(self.file)), str(self.file))


def rows(file: Path) -> Iterator[Any]:
    """Go through the rows of a database, in the order of their ids.

    Raises:
        DataFileError: the file is missing, no database, empty or damaged, or a structure is periodic.
    """
    from ase.db import connect

    if not file.is_file():
        raise DataFileError(
            f"{file} does not exist. Expected an ASE database there. Change data.init_args.dataset.init_args.file."
        )
    found = False
    try:
        with connect(file, use_lock_file=False) as database:
            for row in database.select():
                if row.pbc.any():
                    raise DataFileError(
                        f"{file}, row {row.id} is periodic, and these potentials are of molecules. Expected structures "
                        "without periodic boundaries."
                    )
                found = True
                yield row
    except (DataFileError, GeneratorExit):
        raise
    except Exception as error:  # sqlite, json and ASE raise whatever a damaged byte makes them raise
        raise DataFileError(
            f"{file} cannot be read as an ASE database ({type(error).__name__}: {error}). It is cut short, damaged or "
            "another kind of file; fetch it again."
        ) from error
    if not found:
        raise DataFileError(f"{file} holds no structure. Expected at least one.")


def read_metadata(file: Path) -> dict[str, Any]:
    """What a database says of itself; see `rows` for errors."""
    from ase.db import connect

    next(rows(file))
    with connect(file, use_lock_file=False) as database:
        return dict(database.metadata)


def num_rows(file: Path) -> int:
    """How many structures a database holds; see `rows` for errors."""
    from ase.db import connect

    next(rows(file))
    with connect(file, use_lock_file=False) as database:
        return int(database.count())


def elements_of(file: Path) -> list[str]:
    """Chemical symbols in a database, by ascending atomic number; see `rows` for errors."""
    numbers: set[int] = set()
    for row in rows(file):
        numbers.update(row.numbers.tolist())
    return [SYMBOLS[number] for number in sorted(numbers)]


def has(row: Any, key: str) -> bool:
    """Whether a row has a value of this name, anywhere."""
    return key in row.key_value_pairs or key in row.data or row.get(key) is not None


def value(row: Any, key: str, file: Path) -> np.ndarray[Any, Any]:
    """A value of a row: of its key-value pairs, its data (also as SchNetPack's base64 text), or its calculator.

    Raises:
        DataFileError: there is none of this name, or it is no array of numbers.
    """
    found = row.data.get(key, row.key_value_pairs.get(key, row.get(key)))
    try:
        if isinstance(found, str):
            shape, dtype = row.data[f"_shape_{key}"], row.data[f"_dtype_{key}"]
            found = np.frombuffer(base64.b64decode(found, validate=True), dtype=dtype).reshape(shape)
        if found is None:
            there = (
                ", ".join(sorted({*row.key_value_pairs, *(name for name in row.data if name[:1] != "_")})) or "nothing"
            )
            raise DataFileError(f"{file}, row {row.id} has no {key}, only {there}.")
        return np.asarray(found, dtype=np.float64)
    except (LookupError, TypeError, ValueError) as error:
        if isinstance(error, DataFileError):
            raise
        raise DataFileError(f"{file}, row {row.id}: {key} is no array of numbers ({error}).") from error


class Labels(NamedTuple):
    """Which labels of a row are wanted, and their units.

    Attributes:
        energy_key: name of the energy.
        forces_key: name of the forces, or None.
        energy: unit of the energies, in eV.
        length: unit of the positions, in Å.
        molecule_key: name of the key-value pair that names the molecule; None takes its formula.
    """

    energy_key: str
    forces_key: str | None
    energy: float
    length: float
    molecule_key: str | None = None

    def structure(self, row: Any, file: Path) -> Structure:
        """A row as a structure in eV and Å.

        Raises:
            DataFileError: a label is missing or no number.
        """
        total = value(row, self.energy_key, file)
        if total.size != 1:
            raise DataFileError(
                f"{file}, row {row.id}: {self.energy_key} has shape {total.shape}, expected one number."
            )
        key = self.molecule_key
        if key is not None and key not in row.key_value_pairs:
            raise DataFileError(f"{file}, row {row.id} has no key-value pair {key}, which shall name its molecule.")
        forces = None if self.forces_key is None else value(row, self.forces_key, file)
        return Structure(
            molecule=row.formula if key is None else str(row.key_value_pairs[key]),
            atomic_numbers=row.numbers,
            positions=row.positions * self.length,
            energy=float(total.reshape(())) * self.energy,
            forces=None if forces is None else forces * (self.energy / self.length),
        )
