"""Configs inside the package, named from any folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from potbench.errors import SettingError
from potbench.shipped.configs import CONFIGS, copy_configs, shipped, with_shipped
from potbench.studies.planning.read_study import read_study
from potbench.studies.searches.search import read_search
from tests.cli.conftest import CONFIGS as OF_REPOSITORY

QUICK = "configs/quickstart.yaml"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_package_has_the_configs_of_the_repository() -> None:
    assert CONFIGS.resolve() == OF_REPOSITORY.resolve()


def test_a_config_that_is_nowhere_else_is_the_one_in_the_package() -> None:
    assert shipped(QUICK) == CONFIGS / "quickstart.yaml"
    assert with_shipped(QUICK) == str(CONFIGS / "quickstart.yaml")
    assert with_shipped(f"--config={QUICK}") == f"--config={CONFIGS / 'quickstart.yaml'}"


def test_a_file_of_the_user_is_left_to_be_his(folder: Path) -> None:
    (folder / "configs").mkdir()
    (folder / QUICK).touch()
    assert with_shipped(QUICK) == QUICK
    assert shipped(QUICK, folder / "elsewhere") == CONFIGS / "quickstart.yaml"


@pytest.mark.parametrize(
    "path",
    ["quickstart.yaml", "configs", "configs/quickstrat.yaml", "configs/../units.py", "my/configs/quickstart.yaml"],
)
def test_other_paths_mean_nothing_in_the_package(path: str) -> None:
    assert shipped(path) is None
    assert with_shipped(path) == path


def test_a_study_and_a_search_anywhere_may_name_configs_in_the_package(folder: Path) -> None:
    study = (CONFIGS / "studies" / "quick.yaml").read_text().replace("../", "configs/")
    (folder / "study.yaml").write_text(study)
    found = read_study(folder / "study.yaml")
    assert found.datasets["sample"].data == CONFIGS / "data" / "sample.yaml"
    assert found.architectures["ani"].training == (CONFIGS / "training" / "energies_and_forces.yaml",)
    search = "config: configs/quickstart.yaml\ntrials: 2\nspace:\n  data: {choice: [configs/data/sample.yaml, b.yaml]}"
    (folder / "search.yaml").write_text(search)
    asked = read_search(folder / "search.yaml")
    assert asked.config.resolve() == (CONFIGS / "quickstart.yaml").resolve()
    choices = list(asked.parameters["data"].extremes())
    assert [Path(each).resolve() for each in choices] == [(CONFIGS / "data/sample.yaml").resolve(), folder / "b.yaml"]


def test_a_copy_has_every_config_and_replaces_nothing(folder: Path) -> None:
    copied = copy_configs(folder / "mine")
    names = [file.relative_to(CONFIGS) for file in sorted(CONFIGS.rglob("*.yaml"))]
    assert [file.relative_to(copied) for file in sorted(copied.rglob("*.yaml"))] == names
    (copied / "quickstart.yaml").write_text("changed")
    with pytest.raises(SettingError, match="mine exists"):
        copy_configs(folder / "mine")
    assert (copied / "quickstart.yaml").read_text() == "changed"
    assert [file.name for file in folder.iterdir()] == ["mine"]
