"""Several measurements of one quantity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Spread:
    """Median, lowest and highest: on a machine that does other work too, no single number says enough."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarize one or more values."""
        return cls(median(values), min(values), max(values))

    def text(self, form: str) -> str:
        """Return the median and the range behind it, each number in a format such as `,.0f`."""
        return f"{self.median:{form}} ({self.lowest:{form}} to {self.highest:{form}})"
