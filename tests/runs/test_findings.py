from __future__ import annotations

import math

import pytest

from potbench.runs.findings import Examined


@pytest.mark.parametrize(
    ("value", "limit", "lowest", "verdict", "allowed"),
    [
        (1.0, 1.0, None, "pass", "≤ 1"),
        (1.01, 1.0, None, "FAIL", "≤ 1"),
        (0.9, None, 1.0, "FAIL", "≥ 1"),
        (4.0, 5.0, 3.0, "pass", "3 to 5"),
        (2.9, 5.0, 3.0, "FAIL", "3 to 5"),
        (5.1, 5.0, 3.0, "FAIL", "3 to 5"),
        (math.nan, None, 1.0, "FAIL", "≥ 1"),
        (math.inf, 1.0, None, "FAIL", "≤ 1"),
    ],
)
def test_values_pass_between_their_limits_and_what_is_no_number_fails(
    value: float, limit: float | None, lowest: float | None, verdict: str, allowed: str
) -> None:
    found = Examined.judged("nve", "drift", "water", value, limit, "Å", "so", lowest)
    assert (found.verdict, found.allowed) == (verdict, allowed)
    assert found.value == (value if math.isfinite(value) else None)
