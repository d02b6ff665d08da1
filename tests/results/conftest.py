"""Shorthands of the tests of reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.results.findings import Findings, find
from potbench.results.given_runs import find_runs, members_of
from potbench.results.member import Asked, Label

Found = Callable[..., Findings]


def compare_labelled(labels: dict[Path, Label]) -> Findings:
    """Compare runs, each with a label of its own, as those of a study have them."""
    members, absent = members_of(find_runs(list(labels)))
    return find([replace(each, label=labels[each.folder.path]) for each in members], absent, Asked("A study"))


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """Compare all runs in the folder of the test."""

    def compare(**asked) -> Findings:
        members, absent = members_of(find_runs([tmp_path]))
        return find(members, absent, Asked("A comparison", **asked))

    return compare
