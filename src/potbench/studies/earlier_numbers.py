"""The numbers of an earlier study, read from the file that a study names."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from potbench.errors import DataFileError

EXPECTED = "Expected a CSV file with columns such as architecture, dataset, metric, value, unit"


def read_numbers(file: Path) -> tuple[dict[str, str], ...]:
    """Return the rows of a table: column → value.

    Args:
        file: a CSV file with a row for each number, at least one; column value has the number, or nothing.

    Raises:
        DataFileError: it is no such file.
    """
    try:
        # Excel writes a mark before the first name
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, restval="")
            reader.fieldnames = [name.strip().replace(" ", "_") for name in reader.fieldnames or ()]
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataFileError(
            f"The numbers of the original study cannot be read ({error}). {EXPECTED}. Change original.numbers of the "
            "study."
        ) from error
    if not rows:
        raise DataFileError(f"original.numbers is {file}, which has no rows. {EXPECTED}. Change the file.")
    if "value" not in rows[0]:
        raise DataFileError(f"original.numbers is {file}, which has no column value. {EXPECTED}. Change the file.")
    for number, row in enumerate(rows, 1):
        if None in row:
            raise DataFileError(
                f"original.numbers is {file}, whose row {number} has more values than there are columns. {EXPECTED}, "
                "and quotes around what has a comma in it. Change the file."
            )
        if row["value"] and not _is_number(row["value"]):
            raise DataFileError(
                f"original.numbers is {file}, whose row {number} has the value {row['value']!r}. Expected a number, or "
                "nothing where none is known; words are for further columns. Change the file."
            )
    return tuple(rows)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
