"""Writes a page: HTML, Markdown, and the files of its figures."""

from __future__ import annotations

import re
from pathlib import Path

from potbench.reporting.page.content import Page, PageFigure, Structures
from potbench.reporting.page.html import html
from potbench.reporting.page.markdown import markdown
from potbench.reporting.page.svg import Drawing, inline
from potbench.whole_file import whole_file, write_text


def write_page(page: Page, folder: Path) -> Path:
    """Write report.html, report.md, and figures/NAME.svg, .png and .pdf of each figure; return the HTML file.

    Each file that is there is replaced as a whole.

    Args:
        page: its content.
        folder: made where it is missing.

    Raises:
        OSError: nothing can be written there.
    """
    drawings: dict[str, Drawing] = {}
    for figure in _figures(page):
        if figure.name in drawings or not re.fullmatch(r"\w+", figure.name, re.ASCII):
            raise ValueError(f"The page has two figures named {figure.name!r}, or this is no name of a file.")
        drawings[figure.name] = _write_figure(figure, folder / "figures")
    target = folder / "report.html"
    write_text(target, html(page, drawings))
    write_text(folder / "report.md", markdown(page))
    return target


def _figures(page: Page) -> list[PageFigure]:
    found = []
    for block in (block for section in page.sections for block in section.blocks):
        if isinstance(block, PageFigure):
            found.append(block)
        elif isinstance(block, Structures):
            found += [structure.drawing for structure in block.structures if structure.drawing is not None]
    return found


def _write_figure(figure: PageFigure, folder: Path) -> Drawing:
    # matplotlib takes half a second to import
    from potbench.reporting.style import pdf, png, settle, svg

    settle(figure.figure)
    text = svg(figure.figure)
    for ending, content in (("svg", text.encode()), ("png", png(figure.figure)), ("pdf", pdf(figure.figure))):
        with whole_file(folder / f"{figure.name}.{ending}") as partial:
            partial.write_bytes(content)
    return inline(text, figure.name, figure.title, figure.description)
