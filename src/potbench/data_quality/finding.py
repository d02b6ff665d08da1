"""What an inspection finds."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Verdict(Enum):
    """What a finding means."""

    FINE = "fine"
    LOOK = "look at it"
    WRONG = "wrong"


class Finding(NamedTuple):
    """One thing that was examined.

    Attributes:
        name: what was examined, in a few words.
        verdict: whether it is as expected.
        seen: what was seen, with its unit and, where it matters, the frames to look at.
        expected: what a healthy dataset shows.
    """

    name: str
    verdict: Verdict
    seen: str
    expected: str
