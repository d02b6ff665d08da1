"""Read ASE databases: rows → structures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import require_molecule, require_no_cell
from potbench.readers.damage import damage_named
from potbench.readers.images import bound_json
from potbench.readers.labels import Labels, real, single
from potbench.readers.stated import Stated, stated_in
from potbench.readers.structures import Structure, column_value
from potbench.readers.survey import Survey, seen
from potbench.structures import FloatArray


@contextmanager
def open_database(file: Path) -> Iterator[Any]:
    """Open a database for reading.

    Raises:
        DataFileError: the file is no database, or is damaged, which may show only while it is read.
    """
    from ase.db import connect

    bound_json()
    with damage_named(file, "an ASE database"), connect(str(file), use_lock_file=False) as database:
        yield database


def rows(file: Path) -> Iterator[Any]:
    """Yield the rows of a database, in the order of their ids.

    Raises:
        DataFileError: the file is no database, empty or damaged, or a structure is periodic.
    """
    found = False
    with open_database(file) as database:
        for row in database.select():
            require_molecule(row, f"{file}, row {row.id}")
            shape = np.asarray(row.positions, dtype=np.float64).shape
            if shape != (len(row.numbers), 3):
                raise DataFileError(
                    f"{file}, row {row.id} has {len(row.numbers)} atoms and positions of shape {shape}. Expected "
                    "(atoms, 3); fetch it again."
                )
            # ASE decodes it only when asked
            if not isinstance(row.data, dict):
                raise DataFileError(f"{file}, row {row.id} has damaged data. Expected named values; fetch it again.")
            require_no_cell({**row.data, **row.key_value_pairs}, f"{file}, row {row.id}")
            found = True
            yield row
    if not found:
        raise DataFileError(f"{file} holds no structure. Expected at least one.")


def num_rows(file: Path) -> int:
    """Return how many structures a database holds; raise like `rows`."""
    next(rows(file))
    with open_database(file) as database:
        return int(database.count())


def metadata(file: Path) -> dict[str, object]:
    """Return what a database says of all its rows; raise like `open_database`."""
    with open_database(file) as database:
        return dict(database.metadata)


def stated(
    file: Path, energy_key: str, forces_key: str | None = None, of_rows: Mapping[str, str] = MappingProxyType({})
) -> Stated:
    """Return what the metadata of a database say; units as SchNetPack writes them, by the names of the properties.

    Args:
        file: the database.
        energy_key: name of the energies.
        forces_key: name of the forces, or None.
        of_rows: what every row says beside them: name → text.

    Raises:
        DataFileError: like `rows`; or two names state different units of the same.
    """
    next(rows(file))
    return stated_in(metadata(file), of_rows, energy_key=energy_key, forces_key=forces_key, file=file)


def has(row: Any, key: str) -> bool:
    """Return whether a row has a value of this name: a key-value pair, data, or a result of its calculator."""
    return bool(_found(row, key))


def names_in(row: Any) -> str:
    """Return the names of the key-value pairs and data of a row, for messages."""
    names = {name for name in (*row.key_value_pairs, *row.data) if name[:1] != "_" and has(row, name)}
    return ", ".join(sorted(names)) or "nothing"


def value(row: Any, key: str, file: Path) -> FloatArray:
    """Return a value of a row: of its data (also as SchNetPack's base64 text), key-value pairs, or calculator.

    Raises:
        DataFileError: there is none of this name, it is no array of real numbers, or data have another than the rest.
    """
    found = [_numbers(row, key, each, file) for each in _found(row, key)]
    if not found:
        raise DataFileError(f"{file}, row {row.id} has no {key}, only {names_in(row)}. Expected it in every row.")
    _require_equal(row, key, found, file)
    return found[0]


def _numbers(row: Any, key: str, found: object, file: Path) -> np.ndarray[Any, Any]:
    if isinstance(found, str):
        try:
            shape, dtype = row.data[f"_shape_{key}"], row.data[f"_dtype_{key}"]
            found = np.frombuffer(base64.b64decode(found, validate=True), dtype=dtype).reshape(shape)
        except (LookupError, TypeError, ValueError) as error:
            raise DataFileError(
                f"{file}, row {row.id}: {key} is no array of numbers ({error}). The file is damaged; fetch it again."
            ) from error
    return real(found, key, f"{file}, row {row.id}")


def _require_equal(row: Any, key: str, found: Sequence[Any], file: Path) -> None:
    """Raise DataFileError where a value stands twice in a row, and not the same to the precision of float32."""
    first, *others = [np.asarray(each) for each in found]
    for other in others:
        if first.dtype.kind in "biuf" and other.dtype.kind in "biuf":
            same = first.size == other.size and np.allclose(first.ravel(), other.ravel(), rtol=1e-6, atol=0)
        else:
            same = np.array_equal(first, other)
        if not same:
            raise DataFileError(
                f"{file}, row {row.id} has two values of {key}: {_shown(first)} in its data, and {_shown(other)} in "
                "its key-value pairs or calculator. Expected one; remove or rename the other."
            )


def _shown(found: np.ndarray[Any, Any]) -> str:
    return str(found.reshape(()).item()) if found.size == 1 else f"an array of shape {found.shape}"


def survey(file: Path, energy_key: str) -> Survey:
    """Return what the rows of a database carry by name; raise like `rows`.

    Args:
        file: the database.
        energy_key: name of the energies.
    """
    found = Survey(file, "row")
    for row in rows(file):
        values = {**_results(row), **row.data, **row.key_value_pairs}
        named = {name: value for name, value in values.items() if name[:1] != "_" and value is not None}
        found_here = {name: _seen(row, name, value) for name, value in named.items()}
        energy = value(row, energy_key, file) if len(row.numbers) == 1 and has(row, energy_key) else np.empty(0)
        found.add(row.id, row.numbers, found_here, float(energy.reshape(())) if energy.size == 1 else None)
    return found


def structure(row: Any, file: Path, labels: Labels) -> Structure:
    """Return a row as a structure in eV and Å.

    Raises:
        DataFileError: a label is no real number.
    """
    where = f"{file}, row {row.id}"
    total = value(row, labels.energy_key, file) if has(row, labels.energy_key) or not labels.partial else None
    forces, key = None, labels.molecule_key
    if labels.forces_key and (has(row, labels.forces_key) or not (labels.partial or len(row.numbers) == 1)):
        forces = value(row, labels.forces_key, file)
    read = labels.structure(
        row.formula if key is None else str(_single(row, key, file)),
        row.numbers,
        row.positions,
        None if total is None else single(total, labels.energy_key, where),
        forces,
        {name: column_value(_single(row, name, file), name, where) for name in labels.columns},
    )
    return read._replace(place=f"row {row.id}")


def _found(row: Any, key: str) -> list[Any]:
    """Return what stands under a name: in the data of a row, and beside them."""
    from ase.calculators.calculator import all_properties

    in_data, beside = row.data.get(key), row.key_value_pairs.get(key)
    # a row has further names of its own, such as id and charge, and data that are called so are something else
    if beside is None and (in_data is None or key in all_properties):
        beside = row.get(key)
    return [found for found in (in_data, beside) if found is not None]


def _single(row: Any, name: str, file: Path) -> Any:
    found = row.key_value_pairs.get(name)
    if found is None:
        return value(row, name, file)
    if name in row.data:
        _require_equal(row, name, [row.data[name], found], file)
    return found


def _results(row: Any) -> dict[str, Any]:
    from ase.calculators.calculator import all_properties

    names = (*all_properties, "initial_charges", "initial_magmoms")
    return {name: row.get(name) for name in names if row.get(name) is not None}


def _seen(row: Any, name: str, found: Any) -> object:
    # base64 has its shape beside it
    shape = row.data.get(f"_shape_{name}") if isinstance(found, str) else None
    return seen(found) if shape is None else tuple(shape)
