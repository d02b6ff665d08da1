"""Limits of settings; what lies beyond is refused with the key to change."""

from __future__ import annotations

POTENTIAL = "model.init_args.potential.init_args"
REPRESENTATION = f"{POTENTIAL}.representation.init_args"
READOUT = f"{POTENTIAL}.readout.init_args"
SCHEDULE = "model.init_args.schedule.init_args"


def require_positive(block: str, **settings: float | None) -> None:
    """Refuse sizes and lengths of zero and less; None is a setting left out.

    Args:
        block: key of the block that holds them.
        settings: name → value.

    Raises:
        ValueError: one of them is not above zero.
    """
    for name, value in settings.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name} is {value}, expected more than 0. Change {block}.{name}.")


def require_probability(block: str, **settings: float) -> None:
    """Refuse what is no probability below one; else as `require_positive`."""
    for name, value in settings.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} is {value}, expected at least 0 and less than 1. Change {block}.{name}.")
