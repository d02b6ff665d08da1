"""The notebooks are what their sources say, executed to the end, small, and do what they say today."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(FOLDER.glob("[0-9]_*.py"))
LARGEST = 300_000
"""Bytes of a saved notebook."""
NEEDED = ("jupytext", "nbclient", "ipykernel", "pandas", "pyscf", "tblite")

for_each = pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.stem)


def cells_of(source: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell of a Python file, as jupytext reads it."""
    _, *parts = re.split(r"^# %%", source.read_text(), flags=re.MULTILINE)
    cells = []
    for part in parts:
        title, _, text = part.partition("\n")
        is_text = title.strip() == "[markdown]"
        lines = [line.removeprefix("#").removeprefix(" ") for line in text.splitlines()] if is_text else [text]
        cells.append(("markdown" if is_text else "code", "\n".join(lines).strip("\n")))
    return cells


def saved(source: Path) -> list[dict[str, Any]]:
    """The cells of the notebook beside a source."""
    found: list[dict[str, Any]] = json.loads(source.with_suffix(".ipynb").read_text())["cells"]
    return found


def test_there_are_five() -> None:
    assert [source.name[0] for source in SOURCES] == list("12345")
    assert sorted(FOLDER.glob("*.ipynb")) == [source.with_suffix(".ipynb") for source in SOURCES]


@for_each
def test_a_notebook_has_the_cells_of_its_source(source: Path) -> None:
    found = [(cell["cell_type"], "".join(cell["source"])) for cell in saved(source)]
    assert found == cells_of(source), "The source has changed. `make notebooks` executes and saves it."


@for_each
def test_a_notebook_was_executed_from_its_first_cell_to_its_last(source: Path) -> None:
    code = [cell for cell in saved(source) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"] == []
    assert any("image/png" in output.get("data", {}) for output in outputs)


@for_each
def test_a_notebook_is_small_and_names_no_folder_of_a_machine(source: Path) -> None:
    text = source.with_suffix(".ipynb").read_text()
    assert len(text.encode()) < LARGEST
    assert re.findall(r"/(?:tmp|home|root|Users|work)/\w+", text) == []


@pytest.mark.parametrize("page", [FOLDER / "README.md", *SOURCES], ids=lambda page: page.stem)
def test_files_that_a_page_links_to_are_there(page: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", page.read_text())
    assert links
    assert [link for link in links if not (FOLDER / link).exists()] == []


@pytest.mark.slow
@for_each
def test_a_notebook_runs_to_its_end(source: Path) -> None:
    """Assertions in its cells say that it still shows what its text claims."""
    for package in NEEDED:
        pytest.importorskip(package, reason=f"executing notebooks needs {package}: pip install 'potbench[notebooks]'")
    spec = importlib.util.spec_from_file_location("execute", FOLDER / "execute.py")
    assert spec is not None
    assert spec.loader is not None
    execute = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(execute)
    cells = execute.execute(source).cells
    assert all(cell.execution_count for cell in cells if cell.cell_type == "code")
