from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from potbench.errors import PotbenchError
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.make_plan import make_plan
from potbench.studies.planning.planner import Configs, Planner
from potbench.studies.planning.read_study import read_study
from potbench.studies.searches import tune_study as module
from potbench.studies.searches.search import Search
from potbench.studies.searches.trials import Trial
from potbench.studies.searches.tune import SearchResult
from potbench.studies.searches.tune_study import found_so_far, searches_of, tune_study, untuned
from tests.studies.planned import CachedConfigs, config_of
from tests.studies.small_study import write_small

RATE = "model.init_args.optimizer.init_args.lr"
WEIGHT = "model.init_args.loss.init_args.forces"
TUNING = {
    "trials": 2,
    "budget": 0.5,
    "space": {RATE: {"choice": [1e-3, 2e-3]}},
}


def planner_of(folder: Path, **changes: Any) -> Planner:
    file = write_small(folder, **{"tuning": TUNING, **changes})
    study = read_study(file)
    configs = CachedConfigs(study, file)
    return Planner(study, StudyFolder(folder / "study"), Configs(configs.resolve, configs.data))


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, Search, dict[str, Any]]]:
    """Searches, which find the last choice of each key at once: folder, search, and the config of their best trial."""
    asked = []

    def search(
        folder: Path, what: Search, resolve: Callable[[Mapping[str, object]], dict[str, Any]], say: Any
    ) -> SearchResult:
        best = {key: each.value(each.extremes()[-1]) for key, each in what.parameters.items()}
        asked.append((folder, what, resolve(best)))
        trial = Trial(0, "finished", 1.5, 12.0, 11.0, best)
        return SearchResult(best, 1.5, 0, 12.0, 11.0, (trial,), np.array([1.5]), np.array([1.5]))

    monkeypatch.setattr(module, "search", search)
    return asked


@pytest.mark.slow
def test_the_same_trials_of_a_part_of_the_budget_for_each(
    tmp_path: Path, searched: list[tuple[Path, Search, dict[str, Any]]]
) -> None:
    planner = planner_of(tmp_path, architectures__ani__space={WEIGHT: {"choice": [1, 10]}})
    tuned = tune_study(planner)
    assert tuned == {("ani", "sample"): {RATE: 2e-3, WEIGHT: 10}, ("pairwise", "sample"): {RATE: 2e-3}}
    assert {(what.trials, what.column, what.sampler, what.seed) for _, what, _ in searched} == {
        (2, "validation/forces_mae", "tpe", 7)
    }
    for _, _, config in searched:
        assert config["trainer"]["max_steps"] == 2  # half of four
        assert config["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 2e-3
        assert config["data"]["init_args"]["split"]["init_args"]["size"] == 64
    table = planner.folder.trials("ani", "sample").read_text().splitlines()
    assert table[1].startswith("0,finished,1.5,12")


def test_cells_are_trained_with_what_was_found(
    tmp_path: Path, searched: list[tuple[Path, Search, dict[str, Any]]]
) -> None:
    planner = planner_of(tmp_path)
    plan = make_plan(planner, tune_study(planner))
    rates = {
        config_of(planner.folder, cell)["model"]["init_args"]["optimizer"]["init_args"]["lr"] for cell in plan.cells
    }
    assert rates == {2e-3}
    steps = {config_of(planner.folder, cell)["trainer"]["max_steps"] for cell in plan.cells}
    assert steps == {4}


def folders(planner: Planner) -> list[Path]:
    return [search.folder.path for _, search in searches_of(planner)]


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"tuning": {**TUNING, "trials": 5}}, True),
        ({"run": {"accelerator": "cpu", "at_once": 2}}, True),
        ({"trainings__number": 5}, True),
        ({"tuning": {**TUNING, "budget": 0.25}}, False),
        ({"tuning": {**TUNING, "objective": "energy_mae"}}, False),
        ({"tuning": {**TUNING, "space": {RATE: {"choice": [1e-3, 3e-3]}}}}, False),
        ({"set": {WEIGHT: 2.0}}, False),
    ],
    ids=str,
)
def test_a_search_goes_on_unless_its_trials_would_be_others(
    tmp_path: Path, changes: dict[str, Any], is_same: bool
) -> None:
    before = folders(planner_of(tmp_path))
    after = folders(planner_of(tmp_path, **changes))
    assert len(before) == len(after) == 2
    assert (before == after) is is_same
    assert bool(set(before) & set(after)) is is_same


def test_a_search_of_an_earlier_version_goes_on_where_it_is(tmp_path: Path) -> None:
    (new, _), ((_, what), _) = folders(planner := planner_of(tmp_path)), searches_of(planner)
    earlier = planner.folder.earlier_trials("ani", "sample").parent / new.name
    earlier.mkdir(parents=True)
    assert folders(planner)[0] == earlier
    assert what.folder.path == new


def test_only_what_is_asked_for_is_searched(
    tmp_path: Path, searched: list[tuple[Path, Search, dict[str, Any]]]
) -> None:
    assert list(tune_study(planner_of(tmp_path), ["pairwise sample N=32"])) == [("pairwise", "sample")]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"architectures__pairwise__set": {WEIGHT: 0.0}}, "pairwise on sample: The objective is validation/forces_mae"),
        ({"architectures__pairwise__space": {RATE: {"choice": [1e-3, "fast"]}}}, "'fast'"),
        (
            {"architectures__pairwise__space": {"data.init_args.batch_size": {"choice": [8, 16]}}},
            "pairwise on sample: data.init_args.batch_size is searched, and budget.batch_size decides it for all",
        ),
    ],
    ids=str,
)
def test_what_a_later_search_cannot_do_is_refused_before_the_first_begins(
    tmp_path: Path, searched: list[tuple[Path, Search, dict[str, Any]]], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(PotbenchError, match=said):
        tune_study(planner_of(tmp_path, **changes))
    assert searched == []


def test_energies_may_choose_where_forces_are_not_trained(
    tmp_path: Path, searched: list[tuple[Path, Search, dict[str, Any]]]
) -> None:
    energies = {"tuning": {**TUNING, "objective": "energy_mae"}, "architectures__pairwise__set": {WEIGHT: 0.0}}
    assert len(tune_study(planner_of(tmp_path, **energies))) == 2


def test_what_is_not_tuned_is_known(tmp_path: Path) -> None:
    own = {"tuning": {"trials": 2}, "architectures__ani__space": TUNING["space"]}
    planner = planner_of(tmp_path, **own)
    assert untuned(planner.study) == ["pairwise"]
    assert [pair for pair, _ in searches_of(planner)] == [("ani", "sample")]
    assert found_so_far(planner) == {}
    assert not planner.folder.tuning.exists()


def test_configs_among_choices_are_relative_to_the_study_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    key = "model.init_args.potential"
    space = {key: {"choice": ["../a.yaml", "b.yaml"]}}
    study = read_study(write_small(tmp_path / "studies", tuning={"trials": 2, "space": space}))
    assert study.tuning
    assert study.tuning.space == {key: {"choice": ["a.yaml", "studies/b.yaml"]}}


@pytest.mark.slow
def test_a_study_is_tuned_by_real_trials(tmp_path: Path) -> None:
    planner = planner_of(tmp_path, architectures__ani=..., reference=None)
    tuned = tune_study(planner)
    assert found_so_far(planner) == tuned
    assert tuned["pairwise", "sample"][RATE] in (1e-3, 2e-3)
    rows = planner.folder.trials("pairwise", "sample").read_text().splitlines()
    assert len(rows) == 3
