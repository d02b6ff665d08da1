"""A page as Markdown, as GitHub shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from potbench.reporting.page.content import (
    Block,
    Checklist,
    Code,
    Page,
    PageFigure,
    PageTable,
    Structure,
    Structures,
    Value,
)
from potbench.reporting.page.html import KINDS, LEVELS, LOOKS


def markdown(page: Page) -> str:
    """Return the page as Markdown; its figures are the files beside it."""
    parts = [f"# {plain(page.title)}"]
    parts += [f"*{plain(page.question)}*"] if page.question else []
    parts += [f"**{plain(page.answer)}**"] if page.answer else []
    parts += [f"> **{LEVELS[banner.level]}.** {plain(banner.text)}" for banner in page.banners]
    numbers = {"Table": 0, "Figure": 0}
    for section in page.sections:
        parts.append(f"## {plain(section.title)}")
        parts += [part for block in section.blocks for part in _block(block, numbers)]
    parts += ["---", *map(plain, page.made)] if page.made else []
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return text in which nothing is markup."""
    text = " ".join(text.split())
    text = re.sub(r"[\\`*\[\]~|$#]|(?<![^\W_])_|_(?![^\W_])", r"\\\g<0>", text.replace("&", "&amp;"))
    text = text.replace("<", "&lt;").replace(">", "&gt;")
    # a number or a sign at the start would begin a list
    return re.sub(
        r"^(\d+)([.)])(?=\s|$)|^([-+=])(?=[-=\s]|$)",
        lambda found: (found[1] or "") + "\\" + (found[2] or found[3]),
        text,
    )


def _block(block: Block, numbers: dict[str, int]) -> Iterator[str]:
    match block:
        case str():
            yield plain(block)
        case PageTable():
            numbers["Table"] += 1
            yield from _table(block, f"Table {numbers['Table']}.")
        case PageFigure():
            numbers["Figure"] += 1
            yield from _figure(block, f"**Figure {numbers['Figure']}.** {plain(block.title)}")
            if block.data is not None:
                yield from _details("Numbers in this figure", _table(block.data, ""))
        case Checklist():
            yield "\n".join(
                f"- {LOOKS[check.holds].sign} {LOOKS[check.holds].word}: {plain(check.says)}"
                + (f" — {plain(check.reason)}" if check.reason else "")
                for check in block.checks
            )
        case Structures():
            for structure in block.structures:
                yield from _structure(structure)
        case Code():
            yield _fenced(block.text, block.language)


def _figure(figure: PageFigure, caption: str) -> Iterator[str]:
    yield f"![{plain(figure.description)}](figures/{figure.name}.png)"
    yield f"{caption} (" + ", ".join(f"[{kind.upper()}](figures/{figure.name}.{kind})" for kind in KINDS) + ")"


def _structure(structure: Structure) -> Iterator[str]:
    if structure.drawing is None:
        yield plain(structure.title)
    else:
        yield from _figure(structure.drawing, plain(structure.title))
    yield from _details("Coordinates (XYZ, Å)", iter([_fenced(structure.xyz, "")]))


def _table(table: PageTable, number: str) -> Iterator[str]:
    yield f"**{number}** {plain(table.title)}" if number else plain(table.title)
    heads = [plain(column.name) + (f" ({plain(column.unit)})" if column.unit else "") for column in table.columns]
    aligned = [
        "---:" if place and any(row[place].number is not None for row in table.rows) else "---"
        for place in range(len(heads))
    ]
    rows = [heads, aligned, *([_value(value) for value in row] for row in table.rows)]
    yield "\n".join("| " + " | ".join(row) + " |" for row in rows)
    explained = [f"- {plain(column.name)}: {plain(column.explains)}" for column in table.columns if column.explains]
    if table.notes:
        yield "\n".join(f"- {plain(note)}" for note in table.notes)
    if explained:
        yield from _details("What the columns mean", iter(["\n".join(explained)]))


def _value(value: Value) -> str:
    text = plain(value.text)
    shown = f"**{text}**" if value.strong and text else text
    return f"{shown} ({plain(value.note)})" if value.note else shown


def _details(summary: str, parts: Iterator[str]) -> Iterator[str]:
    yield f"<details><summary>{summary}</summary>"
    yield from parts
    yield "</details>"


def _fenced(text: str, language: str) -> str:
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"
