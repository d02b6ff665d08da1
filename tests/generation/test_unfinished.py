from dataclasses import replace
from pathlib import Path

import pytest

from potbench.errors import GenerationError, RecordError
from potbench.generation.recipe import FORMER_PYSCF, PYSCF, Recipe
from potbench.generation.unfinished import UnfinishedWork

RECIPE = Recipe("ase.calculators.emt.EMT", {"a": (1, 2)}, "EMT", 300.0, seed=6)


@pytest.fixture
def work(tmp_path: Path) -> UnfinishedWork:
    return UnfinishedWork(tmp_path / "data.h5")


def test_it_is_beside_the_file_that_it_becomes(tmp_path: Path, work: UnfinishedWork):
    work.open(RECIPE)
    assert [path.name for path in tmp_path.iterdir()] == ["data.h5.partial"]
    assert work.recipe.is_file()
    work.remove()
    assert not list(tmp_path.iterdir())


def test_the_same_settings_open_it_again(work: UnfinishedWork):
    work.open(RECIPE)
    work.open(replace(RECIPE, calculator_arguments={"a": [1, 2]}))


def test_work_of_other_settings_is_not_mixed_in(work: UnfinishedWork):
    work.open(RECIPE)
    with pytest.raises(GenerationError) as caught:
        work.open(replace(RECIPE, seed=7, theory="PBE"))
    assert str(caught.value) == (
        f"The unfinished work in {work.folder} was begun with other settings: theory was 'EMT', now 'PBE'; seed was 6, "
        "now 7. To resume, they must be the same. Use the old settings again, choose another output, or delete the "
        "folder."
    )


def test_work_of_version_0_1_which_knew_its_calculator_by_another_path_is_resumed(work: UnfinishedWork):
    recipe = Recipe(PYSCF, {}, "PBE", 300.0, seed=6)
    work.open(recipe)
    text = work.recipe.read_text().replace(PYSCF, FORMER_PYSCF)
    assert FORMER_PYSCF in text
    work.recipe.write_text(text)
    work.open(recipe)
    with pytest.raises(GenerationError, match="seed was 6, now 7"):
        work.open(replace(recipe, seed=7))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"calculator": "a"}', "not JSON"])
def test_damaged_settings_are_named(work: UnfinishedWork, text: str):
    work.open(RECIPE)
    work.recipe.write_text(text)
    with pytest.raises(RecordError, match=r"recipe\.json is damaged .* delete its folder\.$"):
        work.open(RECIPE)


def test_one_process_at_a_time_works_in_it(work: UnfinishedWork):
    other = UnfinishedWork(work.folder.with_name("data.h5"))
    with work.alone():
        work.open(RECIPE)
        with pytest.raises(GenerationError, match=r"^Another process works in .*data\.h5\.partial\."), other.alone():
            pass
    with other.alone():
        other.remove()
    assert not work.folder.exists()
