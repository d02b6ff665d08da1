"""Every damaged file is refused by its name, or read as it was, or noticed; and none takes time or memory."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.formats import FORMATS, made
from tests.fuzz.fuzzer import Outcome, fuzz
from tests.fuzz.mutations import mutant

NORMAL, SLOW = 30, 600
"""Mutants of each format: 510 and 10,200 in all."""
SILENT = {NORMAL: 2, SLOW: 7}
"""Mutants that a careful look would find and `data check` does not. Whoever lowers a count writes the new one here."""
NEVER = {"traceback", "unnamed", "hang", "crash", "memory"}


def outcomes(numbers: int, folder: Path) -> list[Outcome]:
    """What comes of the first mutants of every format."""
    found = list(fuzz(itertools.product(FORMATS, range(numbers)), folder))
    for kind in FORMATS:
        print(f"{kind:14}", dict(Counter(one.label for one in found if one.kind == kind)))
    print("in all", dict(Counter(one.label for one in found)))
    print("silent", dict(Counter(one.reason for one in found if one.label == "silent")), f"of {SILENT[numbers]} known")
    return found


def require_harmless(found: list[Outcome], silent: int) -> None:
    assert not [one for one in found if one.label in NEVER]
    unnoticed = [one for one in found if one.label == "silent"]
    assert len(unnoticed) <= silent, unnoticed


@pytest.mark.slow
def test_damage_is_refused_by_name_or_noticed(tmp_path):
    require_harmless(outcomes(NORMAL, tmp_path), SILENT[NORMAL])


@pytest.mark.slow
def test_much_damage_is_refused_by_name_or_noticed(tmp_path):
    require_harmless(outcomes(SLOW, tmp_path), SILENT[SLOW])


@pytest.mark.slow
def test_a_reader_that_hangs_dies_or_takes_all_memory_is_told(tmp_path, monkeypatch):
    """The fuzzer itself: what it must find is found."""
    monkeypatch.setattr("tests.fuzz.fuzzer.PATIENCE", 2.0)
    monkeypatch.setattr("tests.fuzz.fuzzer.START", 30.0)
    monkeypatch.setenv("FUZZ_FAULTS", "0 raise, 1 hang, 2 die, 3 memory, 4 refuse")
    found = list(fuzz((("flexible", number) for number in range(6)), tmp_path))
    assert [one.label for one in found[:5]] == ["traceback", "hang", "crash", "memory", "unnamed"]
    assert found[5].label in {"refused", "same", "detected", "undetectable"}


def test_the_same_seed_damages_the_same_bytes(tmp_path):
    for kind, form in FORMATS.items():
        files = [made(kind, tmp_path / name).read_bytes() for name in ("one", "other")]
        assert files[0] == files[1], kind
        assert mutant(form, files[0], [1, 2]) == mutant(form, files[1], [1, 2])
