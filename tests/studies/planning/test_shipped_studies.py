"""The studies that ship: each can be read, and fit would take the config of each of its cells."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.cli.study_configs import StudyConfigs
from potbench.studies.planning.cell_config import unsuitable
from potbench.studies.planning.read_study import read_study
from tests.rivals import is_installed
from tests.studies.small_study import CONFIGS

ROOT = CONFIGS.parent
STUDIES = sorted((CONFIGS / "studies").glob("*.yaml"))
PUBLISHED = CONFIGS / "studies" / "original" / "published.csv"
LEVEL = 0.05
"""Relative difference up to which one training cannot be said to be better or worse."""


def name(file: Path) -> str:
    return file.stem


@pytest.mark.parametrize("file", STUDIES, ids=name)
def test_every_shipped_study_is_read_trains_three_times_and_shows_numbers(file: Path) -> None:
    study = read_study(file)
    assert study.name == file.stem
    for dataset in study.datasets:
        folds = study.folds_of(dataset)
        assert study.trainings.number * (folds.number if folds else 1) >= 3
    if study.original is not None:
        assert study.original.numbers is not None


def _refused(file: Path, architectures: list[str]) -> list[str]:
    study = read_study(file)
    configs = StudyConfigs(study, file)
    resolved = [configs.resolve(each, data, {}).config for each in architectures for data in study.datasets]
    return [problem for config in resolved for problem in unsuitable(config, study, may_start_warm=False)]


@pytest.mark.parametrize("file", STUDIES, ids=name)
def test_fit_takes_an_architecture_of_every_shipped_study(file: Path) -> None:
    assert _refused(file, list(read_study(file).architectures)[-1:]) == []


@pytest.mark.slow
@pytest.mark.parametrize("file", STUDIES, ids=name)
def test_fit_takes_every_architecture_of_every_shipped_study(file: Path) -> None:
    architectures = read_study(file).architectures
    assert _refused(file, [name for name, each in architectures.items() if is_installed(each.potential)]) == []


def test_the_full_study_compares_what_the_scaled_one_does() -> None:
    scaled, full = (read_study(CONFIGS / "studies" / f"ani_architectures{end}.yaml") for end in ("", "_full"))
    same = {"name": full.name, "datasets": full.datasets, "sizes": None, "budget": full.budget, "run": full.run}
    assert replace(scaled, **same) == full  # type: ignore[arg-type]


def _rows() -> list[dict[str, str]]:
    with PUBLISHED.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_the_verdict_on_each_published_number_follows_from_the_numbers() -> None:
    """One training never reproduces anything, and what was not run has no value."""
    for row in _rows():
        if row["ours"]:
            value, *half = (float(word) for word in row["ours"].split()[:3:2] if word[0].isdigit())
            published = float(row["as published"].split()[0])
            assert row["basis"] == ("3 trainings" if half else "one training")
            low, high = (value - half[0], value + half[0]) if half else (value / (1 + LEVEL), value / (1 - LEVEL))
            within = "reproduced" if half else "undecided"
            expected = within if low <= published <= high else "better" if high < published else "missed"
            assert row["verdict"] == expected, row
        else:
            assert row["verdict"] in {"not run yet", "needs the full data"}
        assert (ROOT / row["config"]).is_file()


def test_values_of_ours_are_those_of_the_page_of_results_and_stand_on_the_page_of_published_numbers() -> None:
    results = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    page = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")
    answered = [row for row in _rows() if row["ours"]]
    assert len(answered) >= 30
    for row in answered:
        assert row["ours"].split()[0] in results
        error = row["metric"].partition("_")[0]
        cells = [row["dataset"], error, row["method"], row["as published"], row["ours"]]
        assert f"| {' | '.join(cells)} |" in page
    for row in _rows():
        assert row["as published"].split()[0] in page
