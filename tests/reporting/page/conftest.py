from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from potbench.reporting.page.content import Page
from potbench.reporting.page.write import write_page
from tests.reporting.figures_shown import SHORT
from tests.reporting.page.sample import sample_page


class Written(NamedTuple):
    """A page that has everything, and what was written of it."""

    page: Page
    folder: Path
    html: str
    markdown: str


@pytest.fixture(scope="package")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    page, folder = sample_page(SHORT), tmp_path_factory.mktemp("page")
    file = write_page(page, folder)
    return Written(page, folder, file.read_text(), (folder / "report.md").read_text())
