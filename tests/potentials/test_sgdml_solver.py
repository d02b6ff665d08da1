from __future__ import annotations

import logging
import re
import sys

import pytest

from potbench.errors import MissingPackageError, SettingError
from potbench.potentials.sgdml_solver import SGDMLSolver, _trainer, require_memory
from tests.native_files.one_molecule import sample_frames


def test_a_matrix_that_does_not_fit_the_memory_is_refused_before_it_is_made() -> None:
    message = (
        r"^Solving sGDML for 1,000,000 frames of 9 atoms takes [\d,.]+ GiB of memory, and \d+ GiB are free\. "
        r"Expected at most [\d,]+ training frames\. Change the argument "
    )
    with pytest.raises(SettingError, match=message + r"frames of SGDMLSolver\.$"):
        require_memory(1_000_000, 9)
    with pytest.raises(SettingError, match=message + r"split of Data\.$"):
        require_memory(1_000_000, 9, type("Data", (), {}), "split")


def test_as_many_frames_as_the_message_names_are_not_refused() -> None:
    with pytest.raises(SettingError) as refusal:
        require_memory(1_000_000, 9)
    largest = re.search(r"Expected at most ([\d,]+) training frames", str(refusal.value))
    require_memory(int(largest[1].replace(",", "")) - 1, 9)


def test_symmetries_are_those_of_the_molecule() -> None:
    # three hydrogens in every order, by rotations and, as distances do not change, reflections
    assert len(SGDMLSolver(sample_frames("NH3", end=40)).solve(10)["permutations"]) == 6
    assert len(SGDMLSolver(sample_frames("HCN", end=10)).solve(10)["permutations"]) == 1


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sgdml.train", None)
    with pytest.raises(
        MissingPackageError, match=r"^The solution of sGDML needs the package sgdml, .*'potbench\[sgdml\]'\.$"
    ):
        _trainer.__wrapped__()


def test_loggers_of_other_libraries_are_left_alone() -> None:
    _trainer()
    assert logging.getLoggerClass() is logging.Logger
