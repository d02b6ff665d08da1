from pathlib import Path
from typing import Any

import numpy as np
import pytest

from potbench.cli.study_configs import StudyConfigs
from potbench.errors import PotbenchError
from potbench.loading.splits.groups import units
from potbench.runs.folder import RunFolder
from potbench.studies.cells import LeftOut
from potbench.studies.folder import StudyFolder
from potbench.studies.planning.data_of_study import DataOfStudy
from potbench.studies.planning.make_plan import make_plan, no_longer_planned
from potbench.studies.planning.planner import Configs, Planner
from potbench.studies.planning.read_study import read_study
from tests.studies.planned import CachedConfigs, config_of, frames_of, plan_of
from tests.studies.small_study import CONFIGS, write_small

FRAMES = {"training_frames", "validation_frames"}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sample is prepared, once for all tests."""
    return tmp_path_factory.mktemp("prepared")


@pytest.fixture(autouse=True)
def shared_root(root: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", str(root))


def test_a_cell_for_each_architecture_dataset_size_and_training(tmp_path: Path) -> None:
    plan, folder, _ = plan_of(tmp_path)
    assert [(cell.architecture, cell.size, cell.training) for cell in plan.cells] == [
        ("ani", 32, 0),
        ("pairwise", 32, 0),
        ("ani", 64, 0),
        ("pairwise", 64, 0),
        ("ani", 32, 1),
        ("pairwise", 32, 1),
        ("ani", 64, 1),
        ("pairwise", 64, 1),
    ]
    assert all(cell.num_train == cell.size and cell.num_validation == 225 and cell.steps == 4 for cell in plan.cells)
    assert len({cell.name for cell in plan.cells}) == 8
    assert folder.load_plan() == plan
    assert {file.stem for file in folder.configs.iterdir()} == {cell.name for cell in plan.cells}


def test_cost_is_measured_once_for_each_architecture_with_the_largest_size(tmp_path: Path) -> None:
    plan, _, _ = plan_of(tmp_path, architectures__pairwise__sizes=[32])
    assert [cell.label for cell in plan.cells if cell.measures_cost] == [
        "pairwise sample N=32 training 0",
        "ani sample N=64 training 0",
    ]
    assert plan.left_out == (LeftOut("pairwise sample N=64", "The study trains pairwise with 32 frames alone."),)
    plan, _, _ = plan_of(tmp_path / "other", examine={"cost": False})
    assert not any(cell.measures_cost for cell in plan.cells)


def test_an_architecture_may_have_other_sizes_on_each_dataset(tmp_path: Path) -> None:
    sample = {"data": str(CONFIGS / "data" / "sample.yaml")}
    plan, _, _ = plan_of(
        tmp_path,
        datasets={"here": sample, "there": sample},
        architectures__pairwise__sizes={"there": [32]},
        trainings__number=1,
    )
    pairwise = [(cell.dataset, cell.size) for cell in plan.cells if cell.architecture == "pairwise"]
    assert pairwise == [("here", 32), ("here", 64), ("there", 32)]
    assert plan.left_out == (LeftOut("pairwise there N=64", "The study trains pairwise with 32 frames alone."),)


def identities(folder: Path, **changes: Any) -> list[str]:
    return [cell.identity for cell in plan_of(folder, **changes)[0].cells]


def test_the_same_study_has_the_same_cells_and_its_files_are_not_written_again(tmp_path: Path) -> None:
    plan, folder, _ = plan_of(tmp_path)
    written = {file: file.stat().st_mtime_ns for file in folder.path.rglob("*") if file.is_file()}
    assert plan_of(tmp_path)[0] == plan
    assert {file: file.stat().st_mtime_ns for file in folder.path.rglob("*") if file.is_file()} == written


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": 3}', "\0"], ids=repr)
def test_a_damaged_plan_is_written_anew(tmp_path: Path, text: str) -> None:
    plan, folder, _ = plan_of(tmp_path)
    folder.plan.write_text(text)
    assert plan_of(tmp_path)[0] == folder.load_plan() == plan


@pytest.mark.parametrize(
    "changes",
    [
        {"trainings__seed": 9},
        {"sizes": [33, 65]},
        {"budget__value": 5},
        {"budget__rule": "epochs"},
        {"budget__batch_size": 8},
        {"budget__validations": 1},
        {"calibration": 10},
        {"set": {"model.init_args.loss.init_args.forces": 2.0}},
        {"datasets__sample__set": {"data.init_args.split.init_args.seed": 1}},
    ],
    ids=str,
)
def test_what_numbers_depend_on_makes_other_cells(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert not set(identities(tmp_path)) & set(identities(tmp_path / "other", **changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"run": {"accelerator": "auto"}},
        {"run": {"accelerator": "cpu", "at_once": 2, "threads": 1, "retries": 5}},
        {"run": {"logger": str(CONFIGS / "logger" / "tensorboard.yaml")}},
        {"set": {"data.init_args.num_workers": 1}},
        {"set": {"trainer.enable_progress_bar": True, "checkpoint_every_minutes": 1.0}},
        {"metric": "energy_mae", "also": [], "question": "Another?", "reference": None, "smallest_difference": 0.1},
        {"name": "another"},
    ],
    ids=str,
)
def test_what_numbers_do_not_depend_on_leaves_the_cells(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert identities(tmp_path) == identities(tmp_path / "other", **changes)


def test_where_data_are_prepared_leaves_the_cells(tmp_path: Path) -> None:
    changed = identities(tmp_path / "other", set={"data.init_args.root": str(tmp_path / "elsewhere")})
    assert identities(tmp_path) == changed


def test_an_architecture_that_changes_leaves_the_others(tmp_path: Path) -> None:
    before, folder, _ = plan_of(tmp_path)
    for cell in before.cells:
        folder.run(cell).create()
    assert no_longer_planned(folder, before) == []
    key = "model.init_args.optimizer.init_args.lr"
    after, _, _ = plan_of(tmp_path, architectures__ani__set={key: 0.5}, trainings__number=1)
    assert [cell.architecture for cell in after.cells if cell in before.cells] == ["pairwise"] * 2
    gone = [cell.name for cell in before.cells if cell not in after.cells]
    assert no_longer_planned(folder, after) == sorted(gone)
    assert config_of(folder, after.cells[0])["model"]["init_args"]["optimizer"]["init_args"]["lr"] == 0.5


def test_all_architectures_train_on_the_same_frames(tmp_path: Path) -> None:
    plan, folder, study = plan_of(tmp_path)
    for ani, pairwise in zip(plan.cells[::2], plan.cells[1::2], strict=True):
        assert (ani.size, ani.training) == (pairwise.size, pairwise.training)
        one, other = frames_of(folder, study, ani), frames_of(folder, study, pairwise)
        assert one.fingerprint == other.fingerprint


def test_sizes_lie_in_each_other_and_each_training_draws_its_own(tmp_path: Path) -> None:
    plan, folder, study = plan_of(tmp_path)
    sets = {(cell.size, cell.training): frames_of(folder, study, cell) for cell in plan.cells[::2]}
    for training in (0, 1):
        small, large = sets[32, training], sets[64, training]
        assert set(small.train) < set(large.train)
        assert len(small.train) == 32
        assert not set(large.train) & set(large.validation)
    assert set(sets[64, 0].train) != set(sets[64, 1].train)
    assert set(sets[64, 0].validation) != set(sets[64, 1].validation)
    tests = {tuple(each.test) for each in sets.values()}
    assert len(tests) == 1
    assert not any(set(each.test) & {*each.train, *each.validation} for each in sets.values())


@pytest.mark.parametrize(
    ("vary", "changes"),
    [
        (["weights"], {"weights"}),
        (["batches"], {"batches"}),
        (["training_frames"], {"training_frames"}),
        (["validation_frames"], {"validation_frames"}),
        (["weights", "training_frames", "validation_frames"], {"weights", *FRAMES}),
    ],
    ids=lambda names: " ".join(sorted(names)),
)
def test_a_training_changes_what_the_study_says_and_nothing_else(
    tmp_path: Path, vary: list[str], changes: set[str]
) -> None:
    plan, folder, study = plan_of(
        tmp_path,
        trainings__vary=vary,
        sizes=[64],
        datasets__sample__set={
            "data.init_args.split.init_args.train": 0.6,
            "data.init_args.split.init_args.validation": 0.3,
        },
    )
    first, second = (cell for cell in plan.cells if cell.architecture == "ani")
    one, other = config_of(folder, first), config_of(folder, second)
    frames, others = frames_of(folder, study, first), frames_of(folder, study, second)
    found = set()
    found |= {"weights"} if one["seed_everything"] != other["seed_everything"] else set()
    found |= {"batches"} if one["data"]["init_args"]["seed"] != other["data"]["init_args"]["seed"] else set()
    found |= {"training_frames"} if not np.array_equal(frames.train, others.train) else set()
    found |= {"validation_frames"} if not np.array_equal(frames.validation, others.validation) else set()
    assert found == changes
    assert np.array_equal(frames.test, others.test)


def test_folds_share_test_and_calibration_frames_and_each_frame_validates_once(tmp_path: Path) -> None:
    plan, folder, study = plan_of(tmp_path, sizes=..., folds={"number": 3}, calibration=0.1, trainings__number=1)
    cells = [cell for cell in plan.cells if cell.architecture == "ani"]
    assert [(cell.fold, cell.size, cell.measures_cost) for cell in cells] == [
        (0, None, True),
        (1, None, False),
        (2, None, False),
    ]
    sets = [frames_of(folder, study, cell) for cell in cells]
    for each in sets[1:]:
        assert np.array_equal(each.test, sets[0].test)
        assert np.array_equal(each.calibration, sets[0].calibration)
    assert len(sets[0].calibration) > 100
    for each in sets:
        apart = [each.train, each.validation, each.test, each.calibration]
        assert len(np.unique(np.concatenate(apart))) == sum(map(len, apart))
    validated = np.concatenate([each.validation for each in sets])
    assert len(np.unique(validated)) == len(validated)
    assert set(validated) == {*sets[0].train, *sets[0].validation}


@pytest.mark.parametrize("by_molecule", [False, True])
def test_folds_that_test_have_each_frame_once_and_sizes_and_calibration_leave_them(
    tmp_path: Path, by_molecule: bool
) -> None:
    folds = {"number": 3, "tests": True, "by_molecule": by_molecule, "validation": 0.2}
    settings = {"data.init_args.split.init_args.seed": 1}
    plan, folder, study = plan_of(
        tmp_path,
        sizes=[64],
        folds=folds,
        calibration=0.1 if not by_molecule else 1,
        trainings__number=2,
        architectures__pairwise__set=settings,
    )
    assert len(plan.cells) == 12
    (said,) = plan.notes
    assert said == "sample: every fold tests, and potbench.loading.RandomSplit of the data is not used."
    sets = {(cell.fold, cell.training): frames_of(folder, study, cell) for cell in plan.cells}
    data = CachedConfigs(study, folder.path).data(config_of(folder, plan.cells[0]))
    data.setup("fit")
    molecules = units(data.store, np.arange(len(data.store)), by_molecule=True)
    tested = np.concatenate([sets[fold, 0].test for fold in range(3)])
    assert np.array_equal(np.sort(tested), np.arange(len(molecules)))
    for (fold, _), each in sets.items():
        assert np.array_equal(each.test, sets[fold, 0].test)
        apart = [each.train, each.validation, each.test, each.calibration]
        assert len(np.unique(np.concatenate(apart))) == sum(map(len, apart))
        assert len(each.train) == 64
        assert len(each.calibration) > 0
        if by_molecule:
            parts = [set(molecules[frames]) for frames in apart]
            assert sum(map(len, parts)) == len(set().union(*parts))
    assert not np.array_equal(sets[0, 0].train, sets[0, 1].train)


def test_a_dataset_may_have_folds_of_its_own(tmp_path: Path) -> None:
    by_molecule = {"number": 4, "tests": True, "by_molecule": True}
    sample = {"data": str(CONFIGS / "data" / "sample.yaml")}
    datasets = {"drawn": sample, "molecules": sample | {"folds": by_molecule}}
    plan, folder, study = plan_of(
        tmp_path, sizes=..., datasets=datasets, folds={"number": 2}, trainings__number=1, examine={"cost": False}
    )
    ani = [cell for cell in plan.cells if cell.architecture == "ani"]
    assert sorted((cell.dataset, cell.fold) for cell in ani) == [
        *(("drawn", fold) for fold in range(2)),
        *(("molecules", fold) for fold in range(4)),
    ]
    tested = {(cell.dataset, cell.fold): frames_of(folder, study, cell).test for cell in ani}
    assert np.array_equal(tested["drawn", 0], tested["drawn", 1])
    assert not np.intersect1d(tested["molecules", 0], tested["molecules", 3]).size
    assert plan.notes == ("molecules: every fold tests, and potbench.loading.RandomSplit of the data is not used.",)


def test_a_size_that_one_fold_does_not_have_is_left_out_of_all(tmp_path: Path) -> None:
    folds = {"number": 4, "tests": True, "by_molecule": True}
    plan, _, _ = plan_of(tmp_path / "small", sizes=..., folds=folds, trainings__number=1)
    sizes = sorted({cell.num_train for cell in plan.cells})
    assert sizes[0] < sizes[-1]
    plan, _, _ = plan_of(tmp_path, sizes=[64, sizes[-1]], folds=folds, trainings__number=1)
    assert [(cell.architecture, cell.fold) for cell in plan.cells] == [
        (name, fold) for fold in range(4) for name in ("ani", "pairwise")
    ]
    assert {cell.size for cell in plan.cells} == {64}


def test_sizes_that_the_data_do_not_have_are_left_out_and_said(tmp_path: Path) -> None:
    plan, _, _ = plan_of(tmp_path, sizes=[64, 5000])
    assert {cell.size for cell in plan.cells} == {64}
    assert plan.left_out == (
        LeftOut("ani sample N=5000", "There are 1,800 frames to train on."),
        LeftOut("pairwise sample N=5000", "There are 1,800 frames to train on."),
    )
    assert {cell.pool for cell in plan.cells} == {2025}  # validation frames may train another time


def refused(folder: Path, **changes: Any) -> str:
    with pytest.raises(PotbenchError) as caught:
        plan_of(folder, **changes)
    return str(caught.value)


def test_an_architecture_with_other_test_frames_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, architectures__pairwise__set={"data.init_args.split.init_args.seed": 1})
    assert said == (
        "The test frames of pairwise sample N=32 training 0 are not those of ani sample N=32 training 0. Expected "
        "the same for all trainings. Remove what sets the split of an architecture, or searches it."
    )


def test_an_architecture_with_other_training_frames_is_refused(tmp_path: Path) -> None:
    inside = {"class_path": "potbench.loading.RandomSplit", "init_args": {"train": 0.8}}
    other = {"class_path": "potbench.loading.NestedSplit", "init_args": {"split": inside, "size": 100}}
    said = refused(tmp_path, architectures__pairwise__set={"data.init_args.split": other})
    assert said.startswith(
        "pairwise sample N=32 training 0 trains or validates with other frames than ani. Expected the same for all "
    )


def test_an_architecture_with_other_data_is_refused(tmp_path: Path) -> None:
    other = {"class_path": "potbench.datasets.Generated", "init_args": {"file": str(tmp_path / "no.h5")}}
    assert "no.h5" in refused(tmp_path, architectures__pairwise__set={"data.init_args.dataset": other})


def test_a_typo_is_refused_in_the_words_of_fit_with_its_architecture_and_file(tmp_path: Path) -> None:
    said = refused(tmp_path, architectures__ani__set={"model.init_args.optimizer.init_args.learning_rate": 0.1})
    assert said.startswith("There is no setting model.init_args.optimizer.init_args.learning_rate.")
    assert said.endswith(f"So it is with ani on sample in {tmp_path / 'small.yaml'}.")


def test_blocks_with_a_wrong_key_are_refused_too(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("class_path: potbench.loading.AtomsDataModule\ninit_args: {batchsize: 5}\n")
    said = refused(tmp_path, datasets__sample__data=str(wrong))
    assert said.startswith("There is no setting data.init_args.batchsize. Did you mean batch_size?")
    assert said.endswith(f"So it is with ani on sample in {tmp_path / 'small.yaml'}.")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"trainer.limit_train_batches": 0.5}, "trainer.limit_train_batches is 0.5, and a study trains, validates and"),
        ({"trainer.fast_dev_run": True}, "trainer.fast_dev_run is True"),
        ({"from": "runs/other"}, "It starts from the weights of runs/other, whose training is part of no budget."),
        (
            {"model.init_args.schedule": "torch.optim.lr_scheduler.ReduceLROnPlateau"},
            "torch.optim.lr_scheduler.ReduceLROnPlateau looks at the validation after each epoch",
        ),
    ],
    ids=str,
)
def test_settings_that_no_study_can_have_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    message = refused(tmp_path, architectures__ani__set=settings)
    assert message.startswith("ani on sample: ")
    assert said in message


def test_steps_of_other_numbers_of_batches_are_refused_where_steps_are_equal(tmp_path: Path) -> None:
    two = {"architectures__pairwise__set": {"trainer.accumulate_grad_batches": 2}, "trainings__number": 1}
    assert refused(tmp_path, **two) == (
        "pairwise on sample: accumulate_grad_batches of the trainer is 2, and 1 of ani, whose steps would see other "
        "numbers of frames. Expected the same for all where steps are equal. Change it, or change budget.rule to "
        "frames."
    )
    assert plan_of(tmp_path / "frames", budget__rule="frames", **two)[0].cells
    assert plan_of(tmp_path / "all", set={"trainer.accumulate_grad_batches": 2}, trainings__number=1)[0].cells
    scheduler = "lightning.pytorch.callbacks.GradientAccumulationScheduler"
    grows = {"class_path": scheduler, "init_args": {"scheduling": {"1": 2}}}
    assert scheduler in refused(tmp_path, architectures__ani__set={"trainer.callbacks": [grows]})


def test_a_reference_whose_cells_are_all_left_out_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    changes = {"sizes": [32, 100_000], "architectures__ani__sizes": [100_000], "trainings__number": 1}
    said = refused(tmp_path, **changes)
    assert said.startswith("reference is 'ani', of which the study has no cells: ")
    assert said.endswith("Expected one of pairwise. Change reference in the study file.")
    assert not (tmp_path / "study" / "plan.json").exists()


def test_a_study_whose_first_training_diverged_is_planned_with_the_next_to_measure_cost(tmp_path: Path) -> None:
    plan, folder, _ = plan_of(tmp_path)
    measured = next(cell for cell in plan.cells if cell.measures_cost)
    folder.run(measured).create()
    folder.run(measured).record.write_text('{"diverged": {"epoch": 1}}')
    again = plan_of(tmp_path)[0]
    label = measured.label.replace("training 0", "training 1")
    assert [cell.label for cell in again.cells if cell.measures_cost and cell.architecture == "ani"] == [label]
    assert plan_of(tmp_path)[0] == again


def test_errors_and_losses_of_forces_that_the_data_do_not_have_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DataOfStudy, "has_forces", lambda *_: False)
    assert refused(tmp_path).startswith("ani on sample: the loss weights forces, and the data have none.")
    energies = {"set": {"model.init_args.loss.init_args.forces": 0.0}, "trainings__number": 1}
    assert refused(tmp_path, **energies).startswith("metric is forces_mae, and the data of sample have no forces.")
    assert plan_of(tmp_path / "energies", metric="energy_mae", also=[], **energies)[0].cells


def test_a_warm_start_that_is_declared_is_taken(tmp_path: Path) -> None:
    parent = parent_with(tmp_path / "parent", b"weights")
    plan, folder, _ = plan_of(tmp_path, **warm_start(parent))
    assert config_of(folder, plan.cells[0])["from"] == str(parent)


def test_what_starts_from_other_weights_is_another_training(tmp_path: Path) -> None:
    parents = [parent_with(tmp_path / name, bytes(name, "ascii")) for name in ("one", "other")]
    one, other = (plan_of(tmp_path, **warm_start(parent))[0].cells[0].identity for parent in parents)
    parent_with(parents[1], b"one")  # trained again in its folder
    again = plan_of(tmp_path, **warm_start(parents[1]))[0].cells[0].identity
    assert one == again != other


def test_a_warm_start_from_nothing_is_refused(tmp_path: Path) -> None:
    said = refused(tmp_path, **warm_start(tmp_path / "parent"))
    assert said.startswith(f"ani on sample: {tmp_path / 'parent'} is no run: it has no config.yaml. Expected ")


def parent_with(folder: Path, weights: bytes) -> Path:
    run = RunFolder(folder)
    run.checkpoints.mkdir(parents=True, exist_ok=True)
    run.config.touch()
    run.best.write_bytes(weights)
    return folder


def warm_start(parent: Path) -> dict[str, Any]:
    return {"architectures__ani__set": {"from": str(parent)}, "architectures__ani__warm_start": True}


def test_early_stopping_is_left_out_and_said(tmp_path: Path) -> None:
    stop = {"class_path": "lightning.pytorch.callbacks.EarlyStopping", "init_args": {"monitor": "validation/loss"}}
    average = {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging"}
    settings = {"trainer.callbacks": [stop, average], "trainer.max_time": "00:00:10:00"}
    plan, folder, _ = plan_of(tmp_path, architectures__ani__set=settings)
    kept = config_of(folder, plan.cells[0])["trainer"]
    assert [each["class_path"] for each in kept["callbacks"]] == [average["class_path"]]
    assert kept["max_time"] is None
    assert plan.notes == (
        "ani on sample: lightning.pytorch.callbacks.EarlyStopping is left out: all train for their whole budget.",
        "ani on sample: trainer.max_time is left out: all train for their whole budget.",
    )


def test_what_is_set_and_the_study_decides_is_left_out_and_said(tmp_path: Path) -> None:
    settings = {"seed_everything": 5, "data.init_args.seed": 9, "trainer": {"max_steps": 5, "max_epochs": None}}
    settings |= {
        "data.init_args.batch_size": 7,
        "trainer.check_val_every_n_epoch": 5,
        "model.init_args.loss.init_args.forces": 2,
    }
    plan, *_ = plan_of(tmp_path, set={"trainer.max_epochs": 3}, architectures__ani__set=settings)
    decided = {
        "set: trainer.max_epochs": "budget.value",
        "architectures.ani.set: seed_everything": "trainings.seed",
        "architectures.ani.set: data.init_args.seed": "trainings.seed",
        "architectures.ani.set: trainer.max_steps": "budget.value",
        "architectures.ani.set: data.init_args.batch_size": "budget.batch_size",
        "architectures.ani.set: trainer.check_val_every_n_epoch": "budget.validations",
    }
    assert plan.notes == tuple(f"{key} is left out: {by} decides it." for key, by in decided.items())


def test_what_is_set_and_the_study_leaves_open_is_not_said_to_be_left_out(tmp_path: Path) -> None:
    open_ones = {"trainer.max_epochs": 3, "data.init_args.batch_size": 7, "trainer.check_val_every_n_epoch": 5}
    given = {"budget": {"rule": "as_given"}, "trainings__number": 1}
    plan, folder, _ = plan_of(tmp_path, architectures__ani__set={**open_ones, "seed_everything": 5}, **given)
    assert plan.notes == ("architectures.ani.set: seed_everything is left out: trainings.seed decides it.",)
    config = config_of(folder, plan.cells[0])
    assert (config["trainer"]["max_epochs"], config["data"]["init_args"]["batch_size"]) == (3, 7)


def test_nothing_is_changed_as_given(tmp_path: Path) -> None:
    settings = {"trainer.max_epochs": 3, "trainer.max_time": "00:00:10:00"}
    plan, folder, _ = plan_of(
        tmp_path, budget={"rule": "as_given"}, architectures__ani__set=settings, trainings__number=1
    )
    cell = plan.cells[0]
    config = config_of(folder, cell)
    assert config["data"]["init_args"]["batch_size"] == 32
    assert {key: config["trainer"][key] for key in ("max_epochs", "max_steps", "check_val_every_n_epoch")} == {
        "max_epochs": 3,
        "max_steps": -1,
        "check_val_every_n_epoch": 1,
    }
    assert config["trainer"]["max_time"]
    assert (cell.steps, plan.cells[1].steps) == (3, None)


@pytest.mark.parametrize(("potential", "training"), [("sgdml", "closed_form"), ("ace", "least_squares")])
def test_what_is_solved_at_once_is_left_as_it_is(tmp_path: Path, potential: str, training: str) -> None:
    changes = {
        "architectures__pairwise__potential": str(CONFIGS / "potential" / f"{potential}.yaml"),
        "architectures__pairwise__training": str(CONFIGS / "training" / f"{training}.yaml"),
    }
    plan, folder, _ = plan_of(tmp_path, trainings__number=1, **changes)
    config = config_of(folder, plan.cells[1])
    assert (config["trainer"]["max_epochs"], config["trainer"]["max_steps"]) == (1, -1)
    assert config["data"]["init_args"]["batch_size"] == 32
    assert plan.cells[1].steps is None
    assert plan.cells[0].steps == 4


def test_what_was_tuned_is_on_top_of_all(tmp_path: Path) -> None:
    key = "model.init_args.optimizer.init_args.lr"
    file = write_small(tmp_path, architectures__ani__set={key: 0.5})
    study = read_study(file)
    configs = StudyConfigs(study, file)
    folder = StudyFolder(tmp_path / "study")
    plan = make_plan(Planner(study, folder, Configs(configs.resolve, configs.data)), {("ani", "sample"): {key: 0.25}})
    rates = [config_of(folder, cell)["model"]["init_args"]["optimizer"]["init_args"]["lr"] for cell in plan.cells]
    assert rates[::2] == [0.25] * 4
    assert rates[1::2] == [1e-3] * 4


def test_runs_in_weights_and_biases_are_a_group_and_say_what_they_are(tmp_path: Path) -> None:
    plan, folder, _ = plan_of(tmp_path, run__logger=str(CONFIGS / "logger" / "wandb.yaml"))
    logger = config_of(folder, plan.cells[2])["trainer"]["logger"]
    assert logger["init_args"]["group"] == "small"
    assert logger["init_args"]["config"] == {
        "cell": {"architecture": "ani", "dataset": "sample", "size": 64, "training": 0, "fold": None}
    }


def test_a_later_version_goes_on_with_the_cells_of_an_earlier_one(tmp_path: Path) -> None:
    """A new setting would make all cells others, and train them again: LATER of cell_config says what it was before."""
    of_early_versions = "0fed0c44 f4fabbbc ebff667a 8cccf673 f867d8e6 cfd84e96 6ae0f0cf 2b21c7ee"
    assert " ".join(cell.identity[:8] for cell in plan_of(tmp_path)[0].cells) == of_early_versions
