"""Figures of lines, as numbers: what a file holds and a page draws again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A line of a figure.

    Args:
        label: of the legend.
        x: along.
        y: up; None where there is no value.
        steps: drawn as steps, as survival is.
        low: lower end of a band around it; empty for none.
        high: upper end.
        reference: whether the others are compared with it, as with the data.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    steps: bool = False
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    reference: bool = False


@dataclass(frozen=True)
class Figure:
    """Lines that are drawn together.

    Args:
        name: of the file, without spaces.
        title: a few words, the molecule among them.
        x_label: with its unit.
        y_label: with its unit.
        lines: at least one.
        protocol: by which the numbers were found.
        molecule: of which; empty where it is of several.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    protocol: str = ""
    molecule: str = ""
