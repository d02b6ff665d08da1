"""Read ASE databases: rows → structures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import require_molecule
from potbench.readers.structures import Structure, column_value
from potbench.structures import SYMBOLS


@contextmanager
def open_database(file: Path) -> Iterator[Any]:
    """Open a database for reading.

    Raises:
        DataFileError: the file is no database, or is damaged, which may show only while it is read.
    """
    from ase.db import connect

    try:
        with connect(file, use_lock_file=False) as database:
            yield database
    except DataFileError:
        raise
    except Exception as error:  # sqlite, json and ASE raise whatever a damaged byte makes them raise
        raise DataFileError(
            f"{file} cannot be read as an ASE database ({type(error).__name__}: {error}). It is truncated, damaged or "
            "another kind of file; fetch it again."
        ) from error


def rows(file: Path) -> Iterator[Any]:
    """Yield the rows of a database, in the order of their ids.

    Raises:
        DataFileError: the file is no database, empty or damaged, or a structure is periodic.
    """
    found = False
    with open_database(file) as database:
        for row in database.select():
            require_molecule(row, f"{file}, row {row.id}")
            # ASE decodes it only when asked
            if not isinstance(row.data, dict):
                raise DataFileError(f"{file}, row {row.id} has damaged data. Expected named values; fetch it again.")
            found = True
            yield row
    if not found:
        raise DataFileError(f"{file} holds no structure. Expected at least one.")


def num_rows(file: Path) -> int:
    """Return how many structures a database holds; raise like `rows`."""
    next(rows(file))
    with open_database(file) as database:
        return int(database.count())


def elements_of(file: Path) -> list[str]:
    """Return the chemical symbols in a database, by ascending atomic number; raise like `rows`."""
    numbers: set[int] = set()
    for row in rows(file):
        numbers.update(row.numbers.tolist())
    return [SYMBOLS[number] for number in sorted(numbers)]


def stated_units(file: Path, energy_key: str) -> tuple[str, str]:
    """Return the units of energies and lengths that SchNetPack wrote into a database, empty where it did not.

    Args:
        file: the database.
        energy_key: name of the energies.

    Raises:
        DataFileError: like `rows`.
    """
    next(rows(file))
    with open_database(file) as database:
        metadata = dict(database.metadata)
    units = metadata.get("_property_unit_dict")
    energy = units.get(energy_key) if isinstance(units, dict) else None
    return str(energy or ""), str(metadata.get("_distance_unit") or "")


def has(row: Any, key: str) -> bool:
    """Return whether a row has a value of this name: a key-value pair, data, or a result of its calculator."""
    return key in row.key_value_pairs or key in row.data or row.get(key) is not None


def names_in(row: Any) -> str:
    """Return the names of the key-value pairs and data of a row, for messages."""
    return ", ".join(sorted({*row.key_value_pairs, *(name for name in row.data if name[:1] != "_")})) or "nothing"


def value(row: Any, key: str, file: Path) -> np.ndarray[Any, Any]:
    """Return a value of a row: of its data (also as SchNetPack's base64 text), key-value pairs, or calculator.

    Raises:
        DataFileError: there is none of this name, or it is no array of numbers.
    """
    found = row.data.get(key, row.key_value_pairs.get(key, row.get(key)))
    if found is None:
        raise DataFileError(f"{file}, row {row.id} has no {key}, only {names_in(row)}. Expected it in every row.")
    try:
        if isinstance(found, str):
            shape, dtype = row.data[f"_shape_{key}"], row.data[f"_dtype_{key}"]
            found = np.frombuffer(base64.b64decode(found, validate=True), dtype=dtype).reshape(shape)
        return np.asarray(found, dtype=np.float64)
    except (LookupError, TypeError, ValueError) as error:
        raise DataFileError(
            f"{file}, row {row.id}: {key} is no array of numbers ({error}). The file is damaged; fetch it again."
        ) from error


class Labels(NamedTuple):
    """Names and units of the labels to read.

    Attributes:
        energy_key: name of the energy.
        forces_key: name of the forces, or None.
        energy: unit of the energies, in eV.
        length: unit of the positions, in Å.
        molecule_key: name of the key-value pair that names the molecule; None takes its formula.
        columns: names of further numbers or texts.
    """

    energy_key: str
    forces_key: str | None
    energy: float
    length: float
    molecule_key: str | None = None
    columns: Sequence[str] = ()

    def structure(self, row: Any, file: Path) -> Structure:
        """Return a row as a structure in eV and Å.

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
            raise DataFileError(f"{file}, row {row.id} has no key-value pair {key}. Expected it in every row.")
        forces = None if self.forces_key is None else value(row, self.forces_key, file)
        return Structure(
            molecule=row.formula if key is None else str(row.key_value_pairs[key]),
            atomic_numbers=row.numbers,
            positions=row.positions * self.length,
            energy=float(total.reshape(())) * self.energy,
            forces=None if forces is None else forces * (self.energy / self.length),
            columns={name: self._column(row, name, file) for name in self.columns},
        )

    def _column(self, row: Any, name: str, file: Path) -> float | str:
        found = row.key_value_pairs.get(name)
        return column_value(value(row, name, file) if found is None else found, name, f"{file}, row {row.id}")
