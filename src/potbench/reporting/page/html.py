"""A page as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from potbench.reporting.page.content import Block, Page, PageTable, Structure, Structures
from potbench.reporting.page.svg import Drawing

LEVELS = {"red": "Not comparable", "amber": "Conditions differ", "note": "Note"}
KINDS = ("svg", "png", "pdf")
"""Files of each figure, by their endings."""


class Look(NamedTuple):
    """How a line of a checklist looks: name of its style, sign, and word."""

    name: str
    sign: str
    word: str


LOOKS = {True: Look("met", "✓", "Met"), False: Look("unmet", "✗", "Not met"), None: Look("unknown", "–", "Not known")}
LINK = re.compile(r"(https?://[^\s<>\"']+|\bdoi:10\.\d{4,9}/[^\s<>\"']+)")


def html(page: Page, drawings: Mapping[str, Drawing]) -> str:
    """Return the page as HTML.

    Args:
        page: its content.
        drawings: name of a figure → its drawing; of every figure on the page.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "linked": linked,
        "breakable": _breakable,
        "kind": _kind,
        "numeric": _is_numeric,
        "finite": math.isfinite,
        "of_atoms": _of_atoms,
    }
    has_structures = any(isinstance(block, Structures) for section in page.sections for block in section.blocks)
    scripts = [_read("page.js"), *([_read("3Dmol-min.js")] if has_structures else [])]
    return environment.from_string(_read("page.html")).render(
        page=page,
        drawings=drawings,
        kinds=KINDS,
        levels=LEVELS,
        looks=LOOKS,
        css=Markup(_read("page.css")),
        javascript=Markup(scripts[0]),
        viewer=Markup(scripts[1]) if has_structures else "",
        script_hashes=Markup(" ".join(map(_hash, scripts))),
    )


def linked(text: str) -> Markup:
    """Return text with its addresses and DOIs as links, everything else escaped."""
    # a number stays with its percent sign
    parts = LINK.split(text.replace(" %", "\u00a0%"))
    return Markup("").join(_link(part) if place % 2 else escape(part) for place, part in enumerate(parts))


def _link(address: str) -> Markup:
    kept = address.rstrip(".,;:!?")
    if kept.endswith(")") and "(" not in kept:
        kept = kept[:-1]
    target = f"https://doi.org/{kept[4:]}" if kept.startswith("doi:") else kept
    return Markup('<a href="{}">{}</a>{}').format(target, kept, address[len(kept) :])


def _breakable(name: str) -> Markup:
    """Let a long name break after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def _kind(block: Block) -> str:
    return type(block).__name__


def _of_atoms(structure: Structure) -> Markup:
    """Return arrows and values of atoms as JSON; what is not finite is null."""
    values = structure.values.values if structure.values else ()
    content = {
        "arrows": [{"color": each.color, "vectors": each.vectors} for each in structure.arrows],
        "values": [value if math.isfinite(value) else None for value in values],
    }
    return htmlsafe_json_dumps(content)


def _is_numeric(table: PageTable, column: int) -> bool:
    """Tell whether a column holds numbers, at least where it holds any."""
    return column > 0 and any(row[column].number is not None for row in table.rows)


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    """Return a script's name in a Content-Security-Policy: no other script runs on the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
