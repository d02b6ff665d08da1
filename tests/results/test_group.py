import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from potbench.loading import SplitIndices
from potbench.loading.manifest import Units
from potbench.results.member import Label
from potbench.results.predicted import predictions
from potbench.runs.ensemble_of import EnsembleMember, EnsembleOf
from potbench.runs.parent import Parent
from potbench.runs.predictions import OF_COMPONENTS, OF_FRAMES, force_errors, in_order
from potbench.runs.record import Record
from tests.results.conftest import Found, compare_labelled
from tests.results.simulated import MANIFEST, Simulated, trainings


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"test": 8_500}, "test frames differ"),
        ({"num_test": 150}, "test frames differ"),
        ({"manifest": replace(MANIFEST, fingerprint="version 2", options={})}, "versions of the data"),
        ({"manifest": replace(MANIFEST, theory="CCSD(T)", fingerprint="other")}, "levels of theory"),
        ({"manifest": replace(MANIFEST, units=Units(energy="D"), fingerprint="other")}, "units of the energies"),
    ],
)
def test_what_cannot_be_compared_is_never_in_one_table(tmp_path: Path, found: Found, other: dict, said: str) -> None:
    trainings(tmp_path / "a", 3, architecture="SchNet")
    trainings(tmp_path / "b", 3, architecture="PaiNN", **other)
    findings = found(metric="forces_mae")
    assert [list(group.architectures) for group in findings.groups] in (
        [["SchNet"], ["PaiNN"]],
        [["PaiNN"], ["SchNet"]],
    )
    red = [banner.text for banner in findings.fairness.banners if banner.level == "red"]
    assert len(red) == 1
    assert said in red[0]
    assert "must not be compared" in red[0]
    assert findings.fairness.checks[0].holds is False
    assert {group.dataset for group in findings.groups} == {"simulated (A)", "simulated (B)"}


def test_data_whose_test_frames_have_the_same_numbers_keep_their_own_atoms(tmp_path: Path, found: Found) -> None:
    other = replace(MANIFEST, name="larger", fingerprint="larger")
    trainings(tmp_path / "a", 3, scatter=0.0)
    trainings(tmp_path / "b", 3, scatter=0.0, num_atoms=12, manifest=other)
    errors = {table.group.dataset: table.rows["SchNet"].mean.mean for table in found(metric="forces_mae").main}
    assert errors == {"simulated": pytest.approx(1.0, abs=0.05), "larger": pytest.approx(1.0, abs=0.05)}


def test_test_frames_are_those_of_their_numbers_in_whatever_order_processes_predicted_them(
    tmp_path: Path, found: Found
) -> None:
    made = {"num_test": 40, "molecules": [f"m{number}" for number in range(40)]}
    trainings(tmp_path / "a", 3, **made)
    runs = trainings(tmp_path / "b", 3, architecture="PaiNN", **made)
    expected, forces = found(metric="forces_mae").main[0], {}
    for run in runs:
        with np.load(run.predictions) as arrays:
            whole = in_order(arrays)
        order, forces[run.path] = np.r_[0:40:2, 1:40:2], whole["predicted_forces"]
        names = whole.keys() & {*OF_FRAMES, *OF_COMPONENTS}
        parts = {name: whole[name].reshape(40, -1)[order].ravel() for name in names}
        np.savez(run.predictions, **{**whole, **parts})
        assert (parts["frame"] != whole["frame"]).any()
        with np.load(run.predictions) as arrays:
            assert all(np.array_equal(values, whole[name]) for name, values in in_order(arrays).items())
    (table,) = found(metric="forces_mae").main
    assert table.rows["PaiNN"].errors.errors == pytest.approx(expected.rows["PaiNN"].errors.errors, rel=1e-12)
    member = table.rows["PaiNN"].finished[0]
    assert np.array_equal(predictions(member)["predicted_forces"], forces[member.folder.path])
    first, second = (each.comparison("SchNet", "PaiNN") for each in (table, expected))
    assert first is not None
    assert second is not None
    assert first.interval == pytest.approx(second.interval, rel=1e-9)


def test_a_size_of_which_every_training_diverged_is_in_no_table(tmp_path: Path, found: Found) -> None:
    labels = {}
    for train in (200, 400):
        for seed in range(2):
            run = Simulated(seed=seed, train=train, diverged=train == 200).write(tmp_path / f"{train}-{seed}")
            labels[run.path] = Label("SchNet", "simulated", train, seed, None)
    findings = compare_labelled(labels)
    assert [group.size for group in findings.groups] == [400]
    assert [each.reason.rpartition("; ")[2] for each in findings.absent] == ["no training of its kind finished"] * 2


def test_a_run_that_was_trained_on_test_frames_is_refused(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    run = Simulated(architecture="PaiNN").write(tmp_path / "cheat")
    split = SplitIndices.load(run.split)
    SplitIndices(np.append(split.train, split.test[:7]), split.validation, split.test).save(run.split)
    findings = found()
    assert all("PaiNN" not in table.rows for table in findings.tables)
    (refused,) = (each for each in findings.absent if each.level == "red")
    assert refused.reason == "refused: it was trained or validated on 7 of 200 test frames"
    assert any(banner.level == "red" and "PaiNN" in banner.text for banner in findings.fairness.banners)
    assert findings.fairness.checks[1].holds is False


def test_a_run_whose_parent_saw_test_frames_is_refused(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    run = Simulated(architecture="PaiNN")
    folder = run.write(tmp_path / "tuned")
    parent = Parent("runs/other", "best.ckpt", "89ab", "simulated", "data", (), 12)
    replace(run.record(folder), parent=parent).save(folder.path)
    (refused,) = (each for each in found().absent if each.level == "red")
    assert "saw 12 of its test frames" in refused.reason


def test_an_ensemble_is_refused_where_parents_of_its_members_saw_test_frames(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    run = Simulated(architecture="PaiNN")
    folder = run.write(tmp_path / "ensemble")
    members = tuple(EnsembleMember(f"runs/{name}", "best.ckpt", name) for name in ("one", "other"))
    replace(run.record(folder), ensemble=EnsembleOf(members, None, None, 0, 12)).save(folder.path)
    (refused,) = (each for each in found().absent if each.level == "red")
    assert "runs that weights of its members come from saw 12 of its test frames" in refused.reason


def test_that_no_test_frame_was_seen_is_not_said_where_it_is_not_known(tmp_path: Path, found: Found) -> None:
    first, second, _ = trainings(tmp_path, 3)
    assert found().fairness.checks[1].holds is True
    first.split.unlink()
    check = found().fairness.checks[1]
    assert (check.says, check.holds) == ("No training has seen its test frames", None)
    assert check.reason == "not known of SchNet simulated training 0 (no split.npz)"
    parent = Parent(None, "elsewhere.model", "89ab", None, None, (), None)
    replace(Record.load(second.path), parent=parent).save(second.path)
    check = found().fairness.checks[1]
    assert check.holds is None
    assert check.reason.endswith(" training 0 (weights of which it is not known what they saw)")


@pytest.mark.parametrize("tuned", [1, 2])
def test_an_ensemble_of_fine_tuned_members_is_a_warm_start(tmp_path: Path, found: Found, tuned: int) -> None:
    trainings(tmp_path, 3)
    run = Simulated(architecture="PaiNN")
    folder = run.write(tmp_path / "ensemble")
    parent = Parent("runs/other", "best.ckpt", "89ab", "QM9", "data", (), 0)
    members = tuple(
        EnsembleMember(f"runs/{number}", "best.ckpt", str(number), parent if number < tuned else None)
        for number in range(2)
    )
    replace(run.record(folder), ensemble=EnsembleOf(members, None, None, 0, 0)).save(folder.path)
    (check,) = (each for each in found().fairness.checks if "warm start" in each.says)
    assert (check.holds, check.reason) == (False, "new weights of SchNet; weights of QM9 of PaiNN")


def test_the_budget_of_an_ensemble_is_that_of_all_its_members(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    run = Simulated(architecture="PaiNN")
    folder = run.write(tmp_path / "ensemble")
    config = yaml.safe_load(folder.config.read_text())
    del config["model"]["init_args"]["optimizer"]
    folder.config.write_text(yaml.safe_dump(config))
    members = tuple(EnsembleMember(f"runs/{name}", "best.ckpt", name) for name in ("one", "other"))
    record = run.record(folder)
    budget = replace(record.budget, steps=2 * record.budget.steps, frames=2 * record.budget.frames)
    replace(record, ensemble=EnsembleOf(members, None, None, 0, 0), budget=budget).save(folder.path)
    checks = {each.says: each.holds for each in found().fairness.checks}
    assert checks["Same number of optimizer steps"] is False
    assert checks["Same number of frames trained on"] is False


def test_predictions_of_earlier_versions_and_damaged_ones_are_named(tmp_path: Path, found: Found) -> None:
    old, damaged, other = trainings(tmp_path, 3)
    trainings(tmp_path, 1, architecture="PaiNN")
    with np.load(old.predictions) as arrays:
        early = {name: arrays[name] for name in ("frame", "energy", "predicted_energy", "offset")}
    np.savez(old.predictions, **early)
    damaged.predictions.write_bytes(damaged.predictions.read_bytes()[:500])
    with np.load(other.predictions) as arrays:
        moved = {name: arrays[name] for name in arrays} | {"frame": arrays["frame"] + 1}
    np.savez(other.predictions, **moved)
    findings = found()
    said = " ".join(each.reason for each in findings.absent)
    assert "of an earlier version" in said
    assert "predictions.npz is damaged" in said
    assert "not of the test frames of its split" in said
    assert [list(table.rows) for table in findings.main] == [["PaiNN"]]


@pytest.mark.parametrize("name", ["molecule", "offset", "predicted_forces", "force_squared_error"])
def test_a_damaged_run_is_left_out_and_the_others_are_compared(tmp_path: Path, found: Found, name: str) -> None:
    run, *_ = trainings(tmp_path, 3)
    with np.load(run.predictions) as arrays:
        lacking = {each: arrays[each] for each in arrays if each != name}
    np.savez(run.predictions, **lacking)
    findings = found()
    assert len(findings.main[0].rows["SchNet"].finished) == 2
    assert [each.reason.partition(". ")[0] for each in findings.absent] == [
        f"predictions.npz is damaged (it has no {name})"
    ]


@pytest.mark.parametrize("name", ["predicted_energy", "predicted_forces"])
def test_predictions_are_left_out_whose_errors_are_not_those_of_the_record(
    tmp_path: Path, found: Found, name: str
) -> None:
    run, *_ = trainings(tmp_path, 3)
    with np.load(run.predictions) as arrays:
        changed = dict(arrays)
    changed[name] = 3 * changed[name] + 5
    np.savez(run.predictions, **changed)
    findings = found()
    assert len(findings.main[0].rows["SchNet"].finished) == 2
    assert "predictions.npz is damaged" in findings.absent[0].reason
    # neither are they where the errors beside them are changed as well
    changed["energy_error"] = changed["predicted_energy"] - changed["energy"]
    changed["force_absolute_error"], changed["force_squared_error"] = force_errors(changed)
    np.savez(run.predictions, **changed)
    (left_out,) = found().absent
    assert left_out.reason.startswith("its predictions are not those of its record")
    np.savez(run.predictions, **{name: values for name, values in changed.items() if "force" not in name})
    (left_out,) = found().absent
    assert left_out.reason.startswith("its predictions are not those of its record: they have no forces MAE")


def test_a_run_whose_split_is_not_that_of_its_record_is_left_out(tmp_path: Path, found: Found) -> None:
    run, *_ = trainings(tmp_path, 3)
    split = SplitIndices.load(run.split)
    SplitIndices(split.train[::2], split.validation, split.test).save(run.split)
    findings = found()
    assert len(findings.main[0].rows["SchNet"].finished) == 2
    (left_out,) = findings.absent
    assert left_out.level == "red"
    assert left_out.reason.startswith("its split.npz is not that of its record, which says 400 training frames")


@pytest.mark.parametrize("diverged", [False, True])
@pytest.mark.parametrize("frames", [np.zeros((3, 1), dtype=int), np.zeros(3), np.array([-1]), np.array(["a"])])
def test_a_damaged_split_leaves_its_run_out_alone(
    tmp_path: Path, found: Found, diverged: bool, frames: np.ndarray
) -> None:
    trainings(tmp_path, 3)
    run = Simulated(seed=3, diverged=diverged).write(tmp_path / "damaged")
    np.savez(run.split, train=frames, validation=np.arange(3), test=np.arange(3))
    findings = found()
    assert len(findings.main[0].rows["SchNet"].finished) == 3
    (left_out,) = findings.absent
    assert left_out.reason.startswith("split.npz is damaged (train is ")


def test_a_diverged_training_is_counted_with_those_that_finished(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 2)
    Simulated(seed=2, diverged=True).write(tmp_path / "diverged")
    (table,) = found().main
    row = table.rows["SchNet"]
    assert (len(row.finished), len(row.lost), row.mean.num_diverged) == (2, 1, 1)


def test_diverged_trainings_alone_are_named(tmp_path: Path, found: Found) -> None:
    Simulated(diverged=True).write(tmp_path / "diverged")
    findings = found()
    assert not findings.groups
    assert "diverged in epoch 4, step 120" in findings.absent[0].reason
    assert findings.answer.startswith("It cannot be decided")


@pytest.mark.parametrize("metric", ["forces_mae", "energy_mae"])
def test_predictions_of_another_test_than_that_of_the_record_are_left_out(
    tmp_path: Path, found: Found, metric: str
) -> None:
    """A test that was killed after it had written its predictions leaves the errors of the one before."""
    run, *_ = trainings(tmp_path, 3)
    other = Simulated(error=1.3).write(tmp_path / "other")
    shutil.move(other.predictions, run.predictions)
    shutil.rmtree(other.path)
    findings = found(metric=metric)
    assert len(findings.main[0].rows["SchNet"].finished) == 2
    (left_out,) = findings.absent
    assert left_out.level == "red"
    assert left_out.reason.startswith("its predictions are not those of its record: their forces MAE is 1.3")
    assert left_out.reason.endswith("kcal/mol/Å; test writes both anew")
    (banner,) = (each for each in findings.fairness.banners if each.level == "red")
    assert "not those of its record" in banner.text
