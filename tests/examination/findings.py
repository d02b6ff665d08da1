"""What was found, by a few words of its quantity."""

from __future__ import annotations

from potbench.examination.protocol import Examination
from potbench.runs.findings import Examined


def of(examination: Examination, words: str) -> Examined:
    (found,) = (each for each in examination.findings if words in each.quantity)
    return found


def verdicts(examination: Examination) -> dict[str, str]:
    return {each.quantity: each.verdict for each in examination.findings}
