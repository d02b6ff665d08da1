"""The pages of docs/ hang together: table of contents, links, what they say of the code, and the site made of them."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

import pytest

from potbench.laws import LAWS
from tests.physics.exceptions import EXCEPTIONS

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "index.md"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs" / "studies").glob("*.md"),
        *(ROOT / "notebooks").glob("*.md"),
    ]
)
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED = re.compile(r'(?:href|src)="([^"]*)"')


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    """Where a page links to within the repository."""
    return [link for link in LINK.findall(CODE.sub("", page.read_text())) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The headings of a page, as GitHub names them in addresses."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.M), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_table_of_contents_once() -> None:
    listed = [(INDEX.parent / link).resolve() for link in links(INDEX)]
    assert Counter(listed) == Counter(page for page in PAGES + NOTEBOOKS if page != INDEX)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files_and_headings_that_are_there(page: Path) -> None:
    broken = []
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = page.parent / file if file else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_the_page_of_physics_states_every_law_with_its_tolerance() -> None:
    page = (ROOT / "docs" / "physics.md").read_text()
    rows = re.findall(r"^\| ([a-z ]+) \| .* \| (\de-\d)(?: ([^|]+?)|, ([^|]+?))? \|$", page, re.MULTILINE)
    stated = {law: (float(allowed), unit or relative or "eV or eV/Å") for law, allowed, unit, relative in rows}
    assert stated == {law.name: (law.tolerance, law.unit) for law in LAWS}


def test_the_page_of_physics_names_every_exception() -> None:
    page = (ROOT / "docs" / "physics.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", page, re.MULTILINE)
    laws = {law.name for law in LAWS}
    expected = {entry for entry in EXCEPTIONS if entry[1] in laws}
    assert {(potential, law) for potential, broken in rows for law in broken.split(", ")} == expected


@pytest.mark.slow
@pytest.mark.skipif(find_spec("furo") is None or find_spec("myst_nb") is None, reason='pip install ".[docs]" for it')
def test_the_site_is_built_without_a_warning_and_all_its_links_hold(tmp_path: Path) -> None:
    """As `make docs` builds it, with nothing kept of an earlier one."""
    command = [sys.executable, "-m", "sphinx", "-q", "--fail-on-warning", "--keep-going", "-c", "docs", ".", tmp_path]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    broken = []
    pages = {page: page.read_text() for page in tmp_path.rglob("*.html")}
    for page, text in pages.items():
        for address in NAMED.findall(text):
            file, _, anchor = unquote(address.partition("?")[0]).partition("#")
            target = (page.parent / file).resolve() if file else page
            if re.match(r"[a-z]+:", address) or not address:
                continue
            if not target.exists() or (anchor and target in pages and f'id="{anchor}"' not in pages[target]):
                broken.append((page.name, address))
    assert broken == []
    expected = {*PAGES, *NOTEBOOKS}
    assert {page.relative_to(ROOT).with_suffix(".html") for page in expected} <= {
        p.relative_to(tmp_path) for p in pages
    }
