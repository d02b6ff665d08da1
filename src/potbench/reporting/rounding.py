"""Numbers as reports print them."""

from __future__ import annotations


def three_digits(value: float | None) -> str:
    """Return a number with three significant digits, or all digits before the point: 0.0432, 4.30, 12,345."""
    if value is None:
        # what a record makes of infinity and NaN
        return "not finite"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".")


def four_decimals(value: float | None) -> str:
    """Return R² with four decimals, since good potentials differ in the third and fourth; fewer far below zero."""
    return three_digits(value) if value is None or value <= -1 else f"{value:.4f}"


def exponent(value: float) -> str:
    """Return the exponent of a law with two decimals, since what counts is how far it is from others: 0.52, −0.03."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")
