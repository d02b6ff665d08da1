"""Columns of tables that have something to say."""

from __future__ import annotations

from collections.abc import Sequence

from potbench.reporting.page.content import Column, PageTable, Value
from potbench.results.words import listing

UNKNOWN = ("", "not recorded", "not measured", "not checked")


def table(
    title: str, columns: Sequence[Column], rows: Sequence[Sequence[Value]], notes: Sequence[str] = ()
) -> PageTable:
    """Return a table without the columns that no row has a value in; a note names what is not known.

    Args:
        title: its caption.
        columns: of all that may be known.
        rows: as many values as columns each.
        notes: others.
    """
    shown = [place for place in range(len(columns)) if any(row[place].text not in UNKNOWN for row in rows)]
    dropped: dict[str, list[str]] = {}
    for place, column in enumerate(columns):
        if place not in shown and rows and rows[0][place].text:
            dropped.setdefault(rows[0][place].text, []).append(column.name)
    said = [f"{words[:1].upper()}{words[1:]}: {listing(names)}." for words, names in dropped.items()]
    return PageTable(
        title,
        tuple(columns[place] for place in shown),
        tuple(tuple(row[place] for place in shown) for row in rows),
        (*notes, *said),
    )
