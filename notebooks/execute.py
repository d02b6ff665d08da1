"""Execute the notebooks and save each beside its source; `make notebooks` does it for all.

A notebook is written as a Python file of cells, `1_first_tour.py`, and saved with all that it printed and drew as
`1_first_tour.ipynb`.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
SOURCES = sorted(HERE.glob("[0-9]_*.py"))
LONGEST = 600
"""Seconds after which a cell is given up."""


def execute(source: Path) -> nbformat.NotebookNode:
    """Execute the cells of a source in a new kernel, with one thread, so that digits do not depend on their number.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised an error; it says which, and what was raised.
    """
    notebook = jupytext.read(source)
    with tempfile.TemporaryDirectory() as folder:  # in which a notebook makes the one that it works in
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": folder}
        NotebookClient(notebook, timeout=LONGEST, kernel_name="python3", record_timing=False).execute(env=environment)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # in place of random ones, which would change each time
    notebook.metadata.pop("jupytext", None)
    return notebook


def main(names: list[str]) -> None:
    """Execute the notebooks with these names, or all, and save them."""
    for source in [each for each in SOURCES if not names or each.stem in names]:
        nbformat.write(execute(source), source.with_suffix(".ipynb"))
        print(f"{source.stem}: executed and saved")


if __name__ == "__main__":
    main(sys.argv[1:])
