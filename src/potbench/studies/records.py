"""The records of a report as a table of pandas."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import MissingPackageError, RunError
from potbench.results.records_csv import COLUMNS, FILE

if TYPE_CHECKING:
    from pandas import DataFrame

TEXTS = (
    *("run", "architecture", "dataset", "state", "reason", "stage", "test_set", "metric", "unit", "data", "theory"),
    *("data_fingerprint", "split_fingerprint", "identity", "machine", "torch", "potbench", "commit"),
)
"""Columns of text: an empty one is no missing number, and none is a number or missing for how it reads."""


def read_records(folder: Path | str) -> DataFrame:
    """Read every error of every training of a report: a row for each run, stage, test set and error.

    Args:
        folder: of a study or a report, or records.csv itself.

    Raises:
        MissingPackageError: pandas is not installed.
        RunError: there is no report.
    """
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingPackageError("pandas", "Tables of records need", "pandas") from error
    place = Path(folder)
    file = next((each for each in (place, place / FILE, place / "report" / FILE) if each.is_file()), None)
    if file is None:
        raise RunError(
            f"{place} holds no {FILE}. Expected the folder of a study or of a report. Make the report first."
        )
    return pd.read_csv(
        file,
        dtype={"size": "Int64", "fold": "Int64", **dict.fromkeys(TEXTS, str)},
        keep_default_na=False,
        na_values={name: [""] for name in COLUMNS if name not in TEXTS},
    )
