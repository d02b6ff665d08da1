import pytest
import yaml

from potbench.runs.recipe import as_text, potential_recipe, split_recipe, unknown_classes

RANDOM = {"class_path": "potbench.loading.RandomSplit", "init_args": {"train": 0.8, "seed": None}}


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        (RANDOM, "potbench.loading.RandomSplit(train=0.8, seed=None)"),
        ({"class_path": "mine.Split"}, "mine.Split()"),
        ({"class_path": "mine.Split", "init_args": {"test": {"hot": [1]}}}, "mine.Split(test={'hot': [1]})"),
        ({"class_path": "mine.Split", "init_args": None}, "mine.Split()"),
        (
            {"class_path": "potbench.loading.NestedSplit", "init_args": {"split": RANDOM, "sizes": [5, 10]}},
            "potbench.loading.NestedSplit(split=potbench.loading.RandomSplit(train=0.8, seed=None), sizes=[5, 10])",
        ),
        ({"class_path": "mine.Split", "init_args": {"file": "a.npz"}}, "mine.Split(file='a.npz')"),
    ],
)
def test_a_recipe_is_written_with_all_its_arguments(recipe, text):
    assert as_text(recipe) == text


@pytest.mark.parametrize(("split", "text"), [(RANDOM, as_text(RANDOM)), (None, "potbench.loading.RandomSplit()")])
def test_the_split_of_a_config_is_found_or_the_default(split, text):
    assert as_text(split_recipe(yaml.safe_dump({"data": {"init_args": {"split": split}}}, sort_keys=False))) == text


def test_the_potential_of_a_task_is_found():
    assert potential_recipe({"class_path": "mine.Task", "init_args": {"potential": RANDOM, "loss": None}}) == RANDOM


def test_classes_that_do_not_exist_are_named_wherever_they_are():
    recipe = {"class_path": "fractions.Fractoin", "init_args": {"parts": [RANDOM, {"class_path": "gone.Class"}]}}
    assert list(unknown_classes(recipe)) == [
        "there is no class fractions.Fractoin. Did you mean Fraction?",
        "there is no class gone.Class.",
    ]
    assert list(unknown_classes(RANDOM)) == []
