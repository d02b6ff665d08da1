"""A search file is read with every key and range checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from potbench.studies.searches.search import read_search
from potbench.studies.searches.space import Choice, Numbers
from potbench.studies.yaml_text import WrittenFileError

WHOLE = """
config: ../potential.yaml
trials: 5
space:
  lr: {float: {low: 1e-5, high: 1e-2, log: true}}
  layers: {int: {low: 1, high: 7, step: 2}}
  model.potential: {choice: [one.yaml, ../two.yaml]}
  sizes: {choice: [[128], [200, 64], null]}
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "search.yaml"
    file.write_text(text)
    return file


def test_numbers_and_choices_are_read_and_configs_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "searches").mkdir()
    monkeypatch.chdir(tmp_path)
    search = read_search(written(tmp_path / "searches", WHOLE))
    assert (search.name, search.config, search.column) == ("search", Path("potential.yaml"), "validation/loss")
    assert search.parameters == {
        "lr": Numbers(1e-5, 1e-2, log=True),
        "layers": Numbers(1, 7, step=2),
        "model.potential": Choice({"searches/one.yaml": "searches/one.yaml", "two.yaml": "two.yaml"}),
        "sizes": Choice({"[128]": [128], "[200, 64]": [200, 64], "null": None}),
    }


def test_a_grid_has_as_many_trials_as_combinations(tmp_path: Path) -> None:
    grid = "config: a.yaml\nsampler: grid\nspace: {a: {choice: [1, 2, 3]}, b: {choice: [x, y]}}\n"
    assert read_search(written(tmp_path, grid)).num_trials == 6
    assert read_search(written(tmp_path, f"{grid}trials: 4")).num_trials == 4
    assert read_search(written(tmp_path, f"{grid}trials: 40")).num_trials == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("spce: {}", "There is no key spce. Did you mean space? Expected one of"),
        ("budget: {epoch: 3}", "There is no key budget.epoch. Did you mean epochs?"),
        ("budget: {epochs: 3, steps: 9}", "budget has steps and epochs, expected one of them."),
        ("budget: {fraction: 1.5}", "budget.fraction is 1.5, expected more than 0, and at most 1."),
        ("budget: {steps: 0}", "budget.steps is 0, expected more than 0."),
        ("trials: 0", "trials is 0, expected at least 1."),
        ("trials: null", "trials is missing. Expected how many trainings 'tpe' may try."),
        ("trials: many", "trials is 'many', expected a valid integer."),
        ("sampler: tree", "sampler is 'tree', expected 'tpe', 'random' or 'grid'."),
        ("sampler: grid", "sampler is 'grid', and space.lr is a range. Expected choices alone."),
        ("objective: test/forces_mae", "objective is 'test/forces_mae', expected one of validation/loss,"),
        ("objective: forces_mea", "validation/forces_rmse. Did you mean forces_mae?"),
        ("space: {}", "space is empty. Expected keys of a config"),
        ("space: {lr: 3}", "space.lr is 3, expected {float:"),
        (
            "space: {lr: {flaot: {low: 1, high: 2}}}",
            "There is no kind of range 'flaot' of space.lr. Did you mean float?",
        ),
        ("space: {lr: {float: {low: 1, hi: 2}}}", "There is no space.lr.float.hi. Did you mean high?"),
        ("space: {lr: {float: {low: 1}}}", "space.lr.float.high is missing. Expected a number."),
        (
            "space: {lr: {float: {low: 2, high: 1}}}",
            "space.lr.float is from 2 to 1, expected low to be less than high.",
        ),
        ("space: {lr: {float: {low: 0, high: 1, log: true}}}", "space.lr.float.low is 0, expected more than 0 where"),
        ("space: {lr: {float: {low: .nan, high: 1}}}", "expected low to be less than high."),
        ("space: {lr: {float: {low: a, high: 1}}}", "space.lr.float.low is 'a', expected a number."),
        ("space: {lr: {int: {low: 1.5, high: 3}}}", "space.lr.int.low is 1.5, expected a whole number."),
        ("space: {lr: {int: {low: 1, high: 4, step: 2}}}", "space.lr.int.step is 2, expected at least 1, and from low"),
        ("space: {lr: {int: {low: 1, high: 4, log: 3}}}", "space.lr.int.log is 3, expected true or false."),
        ("space: {lr: {choice: [1]}}", "space.lr.choice is [1], expected a list of at least two values."),
        ("space: {lr: {choice: [1, 1]}}", "space.lr.choice is [1, 1], expected each value once."),
    ],
)
def test_what_cannot_be_searched_is_refused_with_its_key_and_file(tmp_path: Path, change: str, said: str) -> None:
    key = change.partition(":")[0]
    kept = [part for part in WHOLE.strip().split("\n") if not part.startswith(f"{key}:")]
    if key == "space":
        kept = [part for part in kept if not part.startswith(" ")]
    file = written(tmp_path, "\n".join([*kept, change]))
    with pytest.raises(WrittenFileError) as caught:
        read_search(file)
    assert said in str(caught.value)
    assert str(caught.value).endswith(f" Change it in {file}.")


@pytest.mark.parametrize("text", ["- a", "a: [", "", "config: 3\nspace: {a: {choice: [1, 2]}}"])
def test_what_is_no_search_is_refused(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(WrittenFileError, match=f"Change it in {file}"):
        read_search(file)
