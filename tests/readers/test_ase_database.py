from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest
from ase import Atoms
from ase.db import connect

from potbench.errors import DataFileError
from potbench.readers.ase_database import num_rows, rows, stated, survey
from tests.native_files.ase_files import write_database


@pytest.fixture
def file(tmp_path):
    write_database(tmp_path / "a.db", "arrays", 4)
    return tmp_path / "a.db"


def change(file, statement: str, *values) -> None:
    with sqlite3.connect(file) as database:
        database.execute(statement, values)
    database.close()


def test_rows_are_counted_and_name_their_elements(file):
    assert num_rows(file) == len(list(rows(file))) == 4
    assert survey(file, "energy_U0").elements == ["H", "C", "N"]


def test_units_are_those_that_schnetpack_wrote(file):
    assert stated(file, "energy_U0", "forces") == ("Ha", "Ang", "Ha/Ang", "", "")
    assert stated(file, "energy_U") == ("", "Ang", "Ha/Ang", "", "")


def test_a_database_of_another_origin_states_no_units(tmp_path):
    write_database(tmp_path / "a.db", "calculator", 2)
    assert stated(tmp_path / "a.db", "energy") == ("", "", "", "", "")


@pytest.mark.parametrize("metadata", [{"_property_unit_dict": None}, {"_property_unit_dict": ["Ha"]}, {}])
def test_units_in_another_layout_are_none(tmp_path, metadata):
    with connect(tmp_path / "a.db", use_lock_file=False) as database:
        database.write(Atoms("H"))
        database.metadata = metadata
    assert stated(tmp_path / "a.db", "energy") == ("", "", "", "", "")


@pytest.mark.parametrize("numbers", [[6, 1, 1, 1, 200], [6, 1, 1, 1, -1], [6, 1, 1, 1, 0]])
def test_atomic_numbers_of_no_element_are_refused(file, numbers):
    change(file, "UPDATE systems SET numbers = ? WHERE id = 2", np.array(numbers, np.int32).tobytes())
    with pytest.raises(DataFileError, match=rf"a\.db, row 2: atomic numbers \{numbers}, expected 1 to"):
        list(rows(file))


def test_damaged_data_of_a_row_is_a_damaged_file(file):
    change(file, "UPDATE systems SET data = ? WHERE id = 2", b"not what ASE writes")
    with pytest.raises(DataFileError, match=r"a\.db cannot be read as an ASE database"):
        list(rows(file))


def test_damaged_metadata_is_a_damaged_file(file):
    change(file, "UPDATE information SET value = ? WHERE name = 'metadata'", "{")
    with pytest.raises(DataFileError, match=r"a\.db cannot be read as an ASE database"):
        stated(file, "energy_U0")


def test_a_reader_may_stop_early(file):
    found = rows(file)
    assert next(found).id == 1
    found.close()


@pytest.mark.parametrize("positions", [None, {"a": 1}, [[0.0, 0.0]], [0.0]])
def test_positions_that_are_none_are_refused_with_the_name_of_the_file(tmp_path, positions):
    file = tmp_path / "a.json"
    write_database(file, "calculator", 1)
    text = json.loads(file.read_text())
    text["1"].pop("positions")
    if positions is not None:
        text["1"]["positions"] = positions
    file.write_text(json.dumps(text))
    with pytest.raises(DataFileError, match=rf"^{file}"):
        list(rows(file))
