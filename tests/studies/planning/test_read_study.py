from pathlib import Path
from typing import Any

import pytest

from potbench.errors import DataFileError
from potbench.studies.planning.read_study import read_study
from potbench.studies.planning.study_checks import too_many_threads
from potbench.studies.study import Study
from potbench.studies.yaml_text import WrittenFileError
from tests.studies.small_study import CONFIGS, write_small

RATES = {"float": {"low": 1e-4, "high": 1e-2}}


def refused(folder: Path, **changes: Any) -> str:
    """Return what is said of the small study with changes."""
    file = write_small(folder, **changes)
    with pytest.raises(WrittenFileError) as caught:
        read_study(file)
    message = str(caught.value)
    assert message.endswith(f" Change it in {file}.")
    return message.removesuffix(f" Change it in {file}.")


def test_paths_are_relative_to_the_study_file(tmp_path: Path) -> None:
    study = read_study(write_small(tmp_path))
    assert study.datasets["sample"].data == CONFIGS / "data" / "sample.yaml"
    assert study.architectures["ani"].potential == CONFIGS / "potential" / "ani_feed_forward.yaml"
    assert study.architectures["ani"].training == (CONFIGS / "training" / "energies_and_forces.yaml",)


def test_a_name_has_the_signs_that_its_refusal_allows(tmp_path: Path) -> None:
    assert read_study(write_small(tmp_path, name="a+b_c-d.9")).name == "a+b_c-d.9"


def test_a_study_says_what_it_leaves_out(tmp_path: Path) -> None:
    study = read_study(write_small(tmp_path, trainings={"number": 3}))
    assert study.trainings.vary == ("weights", "batches", "training_frames", "validation_frames")
    assert (study.trainings.seed, study.folds, study.tuning, study.original) == (0, None, None, None)
    assert (study.run.where, study.run.at_once, study.run.threads, study.run.retries) == ("local", 1, 1, 1)
    assert study.examine.cost
    assert study.examine.laws
    assert study.baselines == ("pairwise",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metrik": 1}, "There is no key metrik. Did you mean metric? Expected one of name, question, "),
        ({"budget__validation": 3}, "There is no key budget.validation. Did you mean validations?"),
        ({"budget__batchsize": 3}, "There is no key budget.batchsize. Did you mean batch_size? Expected one of rule, "),
        ({"architectures__ani__potentials": "x"}, "There is no key architectures.ani.potentials. Did you mean pot"),
        ({"datasets__sample__dat": "x"}, "There is no key datasets.sample.dat. Did you mean data? "),
        ({"folds": {"numbre": 3}}, "There is no key folds.numbre. Did you mean number? "),
        ({"run__when": "local"}, "There is no key run.when. Did you mean where? "),
        ({"metric": ...}, "metric is missing."),
        ({"trainings__number": "three"}, "trainings.number is 'three', expected a valid integer."),
        ({"trainings__number": 2.5}, "trainings.number is 2.5, expected a valid integer"),
        ({"trainings__vary": ["wheights"]}, "trainings.vary.0 is 'wheights', expected 'weights', 'batches', "),
        ({"budget__rule": "time"}, "budget.rule is 'time', expected 'steps', 'epochs', 'frames', 'wall_time' or "),
        ({"run__accelerator": "tpu"}, "run.accelerator is 'tpu', expected 'cpu', 'gpu' or 'auto'."),
        ({"architectures": ["ani"]}, "architectures is ['ani'], expected "),
        ({"name": "a/b"}, "name has the name 'a/b'. Expected letters, digits, _, +, - and . alone, the first a letter"),
        ({"name": "+a"}, "name has the name '+a'. Expected letters"),
        ({"name": "../up"}, "name has the name '../up'. Expected letters"),
        ({"architectures__a b": {"potential": "x", "training": "y"}}, "architectures has the name 'a b'. Expected"),
        ({"datasets__": {"data": "x"}}, "datasets has the name ''. Expected letters"),
        ({"datasets__SAMPLE": {"data": "x"}}, "datasets has sample and SAMPLE, the same name but for capitals."),
        ({"datasets": {}}, "datasets is empty. Expected at least one."),
        ({"question": " "}, "question is empty. Expected what the study shall answer."),
        ({"reference": "anni"}, "reference is 'anni'. Did you mean ani? Expected one of ani, pairwise."),
        ({"architectures__ani__potential": "no.yaml"}, "architectures.ani.potential is "),
        ({"architectures__ani__training": ["no.yaml"]}, "architectures.ani.training is "),
        ({"datasets__sample__data": "."}, "which is no file"),
        ({"run__logger": "no.yaml"}, "run.logger is "),
        ({"original": {"text": "t", "numbers": "no.csv"}}, "original.numbers is "),
        ({"trainings__number": 0}, "trainings.number is 0. Expected 1 or more."),
        ({"trainings__seed": -1}, "trainings.seed is -1. Expected 0 or more."),
        ({"trainings__seed": 2**32 - 1}, f"trainings.seed is {2**32 - 1}. Expected seeds up to {2**32 - 1} for all"),
        ({"trainings__vary": ["weights", "weights"]}, "trainings.vary has weights twice. Expected each once."),
        ({"trainings__vary": []}, "trainings.vary is empty, and all trainings would be the same."),
        ({"run__at_once": 0}, "run.at_once is 0. Expected 1 or more."),
        ({"run__threads": -2}, "run.threads is -2. Expected 1 or more."),
        ({"run__retries": -1}, "run.retries is -1. Expected 0 or more."),
        ({"folds": {"number": 1}}, "folds.number is 1. Expected 2 or more."),
        ({"calibration": 0}, "calibration is 0. Expected a fraction of the training frames, or how many: a whole"),
        ({"calibration": 1.5}, "calibration is 1.5. Expected a fraction of the training frames, or how many: a whole"),
        ({"smallest_difference": 1.5}, "smallest_difference is 1.5. Expected a fraction, from 0 to below 1."),
        ({"smallest_difference": -0.1}, "smallest_difference is -0.1. Expected a fraction"),
        ({"budget__value": -5}, "budget.value is -5. Expected steps of a training, above 0."),
        ({"budget__value": ...}, "budget.value is missing. Expected steps of a training, above 0."),
        ({"budget__value": 2.5}, "budget.value is 2.5. Expected a whole number of steps."),
        ({"budget__value": float("nan")}, "budget.value is nan. Expected steps"),
        ({"budget__rule": "as_given"}, "budget.value is 4, and as_given changes nothing. Expected another rule, or no"),
        ({"budget__batch_size": 0}, "budget.batch_size is 0. Expected 1 or more."),
        ({"budget__batch_size": ...}, "budget.batch_size is missing. Expected one for all"),
        ({"budget__validations": 0}, "budget.validations is 0. Expected 1 or more."),
        ({"metric": "force_mae"}, "metric is 'force_mae'. Did you mean forces_mae? Expected one of energy_mae, "),
        ({"also": ["energy_mse"]}, "also is 'energy_mse'. Did you mean energy_rmse? "),
        ({"also": ["forces_mae"]}, "also has forces_mae twice. Expected each once."),
        ({"sizes": [64, 32]}, "sizes is [64, 32]. Expected numbers of training frames, ascending, each once."),
        ({"sizes": [32, 32]}, "sizes is [32, 32]. Expected numbers"),
        ({"sizes": [0, 32]}, "sizes is [0, 32]. Expected numbers"),
        ({"sizes": []}, "sizes is []. Expected numbers"),
        ({"architectures__ani__sizes": 32}, "architectures.ani.sizes is 32, expected a valid array"),
        ({"architectures__ani__sizes": {"sample": 32}}, "architectures.ani.sizes.sample is 32, expected a valid array"),
        ({"architectures__ani__sizes": [48]}, "architectures.ani.sizes has 48, which is none of the sizes of the"),
        (
            {"architectures__ani__sizes": {"sample": [48]}},
            "architectures.ani.sizes.sample has 48, which is none of the",
        ),
        (
            {"architectures__ani__sizes": {"smaple": [32]}},
            "architectures.ani.sizes has the dataset 'smaple'. Did you mean sample? Expected one of sample.",
        ),
        ({"tuning": {"trials": 0, "space": {"a": RATES}}}, "tuning.trials is 0. Expected 1 or more."),
        ({"tuning": {"trials": 3, "budget": 2, "space": {"a": RATES}}}, "tuning.budget is 2.0. Expected a part of the"),
        (
            {"datasets__sample__folds": {"number": 2, "tests": True}},
            "datasets.sample.folds.number is 2. Expected 3 or more where folds test: no interval follows from two.",
        ),
        (
            {"folds": {"number": 2, "tests": True}},
            "folds.number is 2. Expected 3 or more where folds test: no interval follows from two.",
        ),
        (
            {"folds": {"number": 5, "validation": 0.2}},
            "folds.validation is 0.2, and a fold validates. Expected none, or folds.tests: true.",
        ),
        (
            {"folds": {"number": 5, "tests": True, "validation": 1.5}},
            "folds.validation is 1.5. Expected a fraction of the other folds, between 0 and 1.",
        ),
        (
            {"folds": {"number": 5, "tests": True}, "tuning": {"trials": 3, "space": {"a": RATES}}},
            "folds.tests is true, and tuning would choose by frames that other folds test.",
        ),
        (
            {"tuning": {"trials": 3, "space": {"a": 1}}},
            "tuning.space cannot be searched: space.a is 1, expected {float:",
        ),
        ({"tuning": {"trials": 3}}, "tuning.space is empty. Expected what is searched"),
        (
            {"run__slurm": {"partitoin": "gpu"}, "run__where": "slurm"},
            "run.slurm.partitoin is no setting of a job. Did you mean partition? Expected some of hours, cpus,",
        ),
        ({"run__slurm": {"hours": "two"}}, "run.slurm.hours is 'two'"),
        ({"run__slurm": {"memory": 0}}, "run.slurm.memory is 0.0, expected more than 0."),
        (
            {"tuning": {"trials": 3, "space": {"a": RATES}, "objective": "los"}},
            "tuning.objective is 'los'. Expected one",
        ),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_by_its_key(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    message = refused(tmp_path, **changes)
    assert said in message


def test_the_nearest_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text("")
    file = tmp_path / "our.yaml"
    said = f"datasets.sample.data is {file}, which does not exist. Did you mean ours.yaml? Expected a file."
    assert refused(tmp_path, datasets__sample__data="our.yaml") == said


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    file = write_small(tmp_path)
    file.write_text(file.read_text().replace("  pairwise:", "  ani:"))
    with pytest.raises(WrittenFileError, match=r"ani stands twice in what begins in line 4\. Expected YAML, as in"):
        read_study(file)


@pytest.mark.parametrize("name", ["no", "on", "1"])
def test_names_that_yaml_reads_as_no_texts_are_refused(tmp_path: Path, name: str) -> None:
    file = write_small(tmp_path)
    written = file.read_text()
    file.write_text(written.replace("  sample:", f"  {name}:"))
    with pytest.raises(WrittenFileError, match=r"of datasets is no text; no, on or 1 stands between quotes"):
        read_study(file)
    file.write_text(written.replace("  sample:", f"  '{name}':"))
    assert list(read_study(file).datasets) == [name]


@pytest.mark.parametrize("text", ["name: [", "- 1", "", "name: 2026-11-26", "\tname: 1", "a: &a [*a]"])
def test_what_is_no_study_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "study.yaml"
    file.write_text(text)
    with pytest.raises(WrittenFileError):
        read_study(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"architecture;value\nani;0.9\n", "which has no column value. Expected a CSV file with columns such as"),
        (b"architecture,value\n", "which has no rows. Expected a CSV file"),
        (b"", "which has no rows."),
        (b"value,unit\n\xff,eV\n", "cannot be read ('utf-8' codec can't decode byte 0xff"),
        (b"value,unit\n1.0,eV\n0.9 eV,\n", "whose row 2 has the value '0.9 eV'. Expected a number, or nothing where"),
        (b"value,unit\nnan,eV\n", "whose row 1 has the value 'nan'."),
        (b"unit,value\neV,0,9\n", "whose row 1 has more values than there are columns."),
    ],
    ids=str,
)
def test_numbers_of_the_original_study_that_no_page_can_show_are_refused_at_the_door(
    tmp_path: Path, text: bytes, said: str
) -> None:
    numbers = tmp_path / "numbers.csv"
    study = write_small(tmp_path, original={"text": "t", "numbers": "numbers.csv"})
    numbers.write_bytes(b"value,unit\n1e-3,eV\n,eV\n2\n")
    assert read_study(study).original is not None
    numbers.write_bytes(text)
    with pytest.raises(DataFileError) as caught:
        read_study(study)
    assert said in str(caught.value)


def study_of(folder: Path, **changes: Any) -> Study:
    return read_study(write_small(folder, **changes))


def test_more_threads_than_cores_are_refused_on_this_machine_alone(tmp_path: Path) -> None:
    many = study_of(tmp_path, run__at_once=500, run__threads=3)
    assert next(too_many_threads(many)).startswith("run.at_once is 500 and run.threads is 3: 1500 threads on ")
    assert not list(too_many_threads(study_of(tmp_path)))
    assert not list(too_many_threads(study_of(tmp_path, run__at_once=500, run__where="slurm")))


@pytest.mark.parametrize("file", sorted((CONFIGS / "studies").glob("*.yaml")), ids=lambda file: file.stem)
def test_studies_that_ship_are_read(file: Path) -> None:
    assert read_study(file).name == file.stem


def test_the_quick_study_has_three_architectures_and_two_baselines_and_runs_on_two_cores() -> None:
    study = read_study(CONFIGS / "studies" / "quick.yaml")
    assert len(study.architectures) - len(study.baselines) == 3
    assert len(study.baselines) == 2
    assert study.trainings.number == 3
    assert study.run.at_once * study.run.threads == 2
