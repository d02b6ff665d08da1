"""What a page of a report holds, before it becomes HTML or Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:  # it takes half a second, and a page may have no figures
    from matplotlib.figure import Figure

Level = Literal["red", "amber", "note"]


class Value(NamedTuple):
    """One value in a table.

    Attributes:
        text: what is shown.
        number: what the column is sorted by; None sorts by the text.
        strong: whether it is shown bold.
        note: what is shown beside it, smaller.
    """

    text: str
    number: float | None = None
    strong: bool = False
    note: str = ""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        name: its heading.
        unit: shown under the heading; empty for none.
        explains: what it means, in a sentence; shown on demand.
    """

    name: str
    unit: str = ""
    explains: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table that readers can sort; the first column names the row.

    Args:
        title: its caption.
        columns: as many as each row has values.
        rows: from top to bottom.
        notes: under the table.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PageFigure:
    """A figure, also written as files beside the page.

    Args:
        name: of its files, without ending: letters, digits and underscores.
        title: its caption: data, model and number of frames.
        description: what it shows, for those who cannot see it.
        figure: drawn already.
        data: the numbers in it, as a table that opens on demand; None where they are no table.
    """

    name: str
    title: str
    description: str
    figure: Figure
    data: PageTable | None = None


@dataclass(frozen=True)
class Check:
    """A line of a checklist.

    Args:
        says: the condition.
        holds: whether it holds; None where it is not known or does not apply.
        reason: why it holds or not; numbers and names.
    """

    says: str
    holds: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Checklist:
    """Conditions, each with its verdict."""

    checks: tuple[Check, ...]


class Arrows(NamedTuple):
    """A vector of each atom, as arrows in three dimensions.

    Attributes:
        name: what they are.
        color: such as #D55E00; empty for that of the text.
        vectors: of each atom, as long as they are drawn, in Å.
    """

    name: str
    color: str
    vectors: tuple[tuple[float, float, float], ...]


class AtomValues(NamedTuple):
    """A number of each atom, by which atoms are colored on demand.

    Attributes:
        name: what they are.
        unit: theirs.
        values: of each atom.
    """

    name: str
    unit: str
    values: tuple[float, ...]


@dataclass(frozen=True)
class Structure:
    """A molecule that opens in three dimensions.

    Args:
        title: what it is.
        xyz: as an XYZ file, in Å.
        drawing: of the molecule, for paper.
        arrows: of its atoms, in three dimensions.
        values: of its atoms; None for none.
    """

    title: str
    xyz: str
    drawing: PageFigure | None = None
    arrows: tuple[Arrows, ...] = ()
    values: AtomValues | None = None


@dataclass(frozen=True)
class Structures:
    """Molecules side by side."""

    structures: tuple[Structure, ...]


@dataclass(frozen=True)
class Code:
    """Text to copy, such as commands.

    Args:
        text: as it is typed.
        language: bash, bibtex, yaml; empty for none.
    """

    text: str
    language: str = ""


Block: TypeAlias = str | PageTable | PageFigure | Checklist | Structures | Code
"""A part of a section; text is a paragraph."""


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Args:
        name: of its link: letters, digits and hyphens.
        title: its heading.
        blocks: from top to bottom.
    """

    name: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Banner:
    """A warning at the head of the page.

    Args:
        level: red for what cannot be compared, amber for what differs, note for what is worth knowing.
        text: what it is about, and why.
    """

    level: Level
    text: str


@dataclass(frozen=True)
class Page:
    """A page of a report.

    Args:
        title: its heading.
        question: what was asked; empty for none.
        answer: one sentence, with an interval, or that it cannot be decided and what would decide it.
        sections: from top to bottom; those without content are left out before.
        banners: at its head.
        made: how and when the page was made, at its foot.
    """

    title: str
    question: str
    answer: str
    sections: tuple[Section, ...]
    banners: tuple[Banner, ...] = ()
    made: tuple[str, ...] = field(default=())
