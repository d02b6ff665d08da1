"""SVG of matplotlib, as a part of a page that has other figures and a dark mode."""

from __future__ import annotations

import re
from typing import NamedTuple

from markupsafe import Markup, escape

LARGER = 1.25
"""How much larger than on paper figures are shown, where there is room."""

NARROW = 300
"""Figures up to this many points wide fit a phone."""


class Drawing(NamedTuple):
    """A figure as a part of a page.

    Attributes:
        svg: its element.
        wide: whether it is too wide for a phone.
    """

    svg: Markup
    wide: bool


def inline(svg: str, name: str, title: str, description: str) -> Drawing:
    """Return the element of a figure, with a title and a description for those who cannot see it.

    Names within it become its own, and colors variables of the style sheet, which are named after them.

    Args:
        svg: a whole file, as matplotlib writes it.
        name: of the figure; no other on the page has it.
        title: of the figure.
        description: what it shows.
    """
    text = svg[svg.index("<svg") :].strip()
    text = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<style type=\"text/css\">.*?</style>", "", text, flags=re.DOTALL
    )
    head, _, rest = text.partition(">")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', head)
    if size is None:
        raise ValueError(f"The figure {name} has no size: {head[:200]!r}")
    width, height = (float(number) for number in size.groups())
    # in tags alone: text may say anything
    rest = re.sub(r"<[^>]*>", lambda tag: _own(tag[0], f"fig_{name}_"), rest)
    shown = f"width: {round(width * 4 / 3 * LARGER)}px"
    labels = (
        f"<title id='fig_{name}_title'>{escape(title)}</title><desc id='fig_{name}_desc'>{escape(description)}</desc>"
    )
    opening = (
        f'<svg role="img" aria-labelledby="fig_{name}_title fig_{name}_desc" viewBox="0 0 {width:g} {height:g}" '
        f'style="{shown}" '
        'stroke-linejoin="round" stroke-linecap="butt" xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    return Drawing(Markup(opening + labels + rest), width > NARROW)


def _own(tag: str, name: str) -> str:
    """Return a tag whose names begin with that of its figure, and whose colors are variables."""
    tag = re.sub(r'\b(id="|href="#)', rf"\g<1>{name}", tag).replace("url(#", f"url(#{name}")
    return re.sub(r"(?<=[:\s])#([0-9a-f]{6})\b(?=[;\"])", r"var(--c-\1, #\1)", tag)
