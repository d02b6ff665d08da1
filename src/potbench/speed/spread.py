"""Several measurements of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """Median, lowest and highest: on a machine that does other work too, no single number says enough."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summary of one or more values."""
        return cls(median(values), min(values), max(values))

    def text(self, form: str) -> str:
        """The median and the range behind it, each number in a format such as `,.0f`."""
        return f"{self.median:{form}} ({self.lowest:{form}} to {self.highest:{form}})"
