"""What values are judged by, and the worst of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from potbench.runs.findings import Examined


class Limit(NamedTuple):
    """What values are judged by.

    Attributes:
        quantity: what was measured, a few words.
        most: the largest value that passes.
        unit: of both; empty for a number.
    """

    quantity: str
    most: float
    unit: str

    def judge(self, protocol: str, molecule: str, value: float, note: str = "") -> Examined:
        """Return a value of a molecule that passes up to the limit; NaN fails."""
        return Examined.judged(protocol, self.quantity, molecule, value, self.most, self.unit, note)

    def judge_worst(self, protocol: str, molecule: str, values: Mapping[str, float]) -> Examined:
        """Judge the largest of some values, or the first NaN, and say what it is of.

        Args:
            protocol: name of the protocol.
            molecule: of which the values are.
            values: what each is of → value; at least one.
        """
        label = list(values)[int(np.argmax(list(values.values())))]
        failed = sum(not value <= self.most for value in values.values())
        if len(values) == 1:
            return self.judge(protocol, molecule, values[label], f"Of {label}.")
        all_of_them = f"{failed} of {len(values)} fail" if failed else f"all {len(values)} pass"
        return self.judge(protocol, molecule, values[label], f"The largest, of {label}; {all_of_them}.")
