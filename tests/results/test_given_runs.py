import json
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.errors import RunError
from potbench.results.findings import find
from potbench.results.given_runs import find_runs, members_of
from potbench.results.member import Asked
from potbench.runs.choices import Choices
from potbench.runs.ensemble_of import EnsembleMember, EnsembleOf
from potbench.runs.parent import Parent
from tests.results.simulated import MANIFEST, Simulated, trainings


def labels(*paths: Path) -> list[str]:
    members, _ = members_of(find_runs(paths))
    return sorted(member.label.text for member in members)


def test_runs_that_differ_by_seeds_alone_are_trainings_of_one_architecture(tmp_path: Path) -> None:
    trainings(tmp_path, 2)
    trainings(tmp_path, 1, architecture="PaiNN")
    assert labels(tmp_path) == [
        "PaiNN simulated training 0",
        "SchNet simulated training 0",
        "SchNet simulated training 1",
    ]


def test_architectures_with_the_same_classes_are_named_by_what_differs(tmp_path: Path) -> None:
    Simulated(learning_rate=0.001).write(tmp_path / "a")
    Simulated(learning_rate=0.01).write(tmp_path / "b")
    assert labels(tmp_path) == ["SchNet (lr 0.001) simulated training 0", "SchNet (lr 0.01) simulated training 0"]


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("fit --config configs/quickstart.yaml --model.potential configs/potential/schnet.yaml", "schnet"),
        ("fit --config configs/rmd17/painn.yaml --trainer.max_epochs 3", "painn"),
        ("fit --config study/configs/wide-painn-ethanol-n950-t2-2d6c351b.yaml", "wide-painn"),
        ("fit --config study/configs/painn-ethanol-t0-f3-2d6c351b.yaml", "painn"),
        ("fit --config runs/a/config.yaml", "SchNet"),
        ("fit --config 'no end", "SchNet"),
    ],
)
def test_a_potential_is_called_by_its_file_where_the_command_names_it(tmp_path: Path, command: str, name: str) -> None:
    run = Simulated()
    folder = run.write(tmp_path / "a")
    replace(run.record(folder), command=f"python -m potbench {command}").save(folder.path)
    assert labels(tmp_path) == [f"{name} simulated training 0"]


def test_a_training_has_one_number_at_all_sizes(tmp_path: Path) -> None:
    for size in (100, 200, 400):
        for seed in range(size == 200, 5):
            Simulated(seed=seed, train=size).write(tmp_path / f"{size}-{4 - seed}")
    members, absent = members_of(find_runs([tmp_path]))
    assert not absent
    assert {member.label.size for member in members} == {100, 200, 400}
    assert all(member.label.training == member.known.seeds.everything for member in members)


def test_trainings_without_seeds_are_not_taken_for_the_same_at_another_size(tmp_path: Path) -> None:
    for size in (100, 200):
        for seed in (0, 1):
            run = Simulated(seed=seed, train=size)
            folder = run.write(tmp_path / f"{size}-{seed}")
            record = run.record(folder)
            replace(record, seeds=replace(record.seeds, everything=None)).save(folder.path)
    members, _ = members_of(find_runs([tmp_path]))
    assert sorted(member.label.training for member in members) == [0, 1, 2, 3]


def ensemble(folder: Path, *files: str, choices: str = "1f", parent: Parent | None = None, seed: int = 0) -> Path:
    """Write an ensemble of members whose weights have these sha256."""
    run = Simulated(seed=seed)
    written = run.write(folder)
    members = tuple(EnsembleMember(f"runs/{file}", "best.ckpt", file, parent, choices) for file in files)
    replace(run.record(written), ensemble=EnsembleOf(members, None, None, 0, 0)).save(folder)
    return folder


def test_ensembles_of_other_members_with_the_seed_of_one_are_trainings_of_their_own(tmp_path: Path) -> None:
    first, second = ensemble(tmp_path / "a", "0", "1"), ensemble(tmp_path / "b", "2", "3")
    members, absent = members_of(find_runs([first, second]))
    assert [member.label.training for member in members] == [0, 1]
    assert not absent
    again = ensemble(tmp_path / "c", "1", "0", seed=1)
    members, (left_out,) = members_of(find_runs([first, again]))
    assert left_out.reason.endswith("again: same config, seeds and frames")


def test_ensembles_that_share_members_are_no_independent_trainings(tmp_path: Path) -> None:
    runs = [ensemble(tmp_path / f"{one}{other}", one, other, seed=int(one)) for one, other in ("01", "12", "34")]
    members, (left_out,) = members_of(find_runs(runs))
    assert {member.folder.path.name for member in members} == {"01", "34"}
    assert left_out.label == str(tmp_path / "12")
    assert "1 of its members is in " in left_out.reason
    assert "are no independent trainings" in left_out.reason


def test_ensembles_of_members_that_were_trained_in_other_ways_are_not_averaged(tmp_path: Path) -> None:
    parent = Parent("runs/other", "best.ckpt", "89ab", "QM9", "data", (), 0)
    ensemble(tmp_path / "a", "0", "1")
    ensemble(tmp_path / "b", "2", "3", choices="2f", seed=1)
    ensemble(tmp_path / "c", "4", "5", parent=parent, seed=2)
    assert len({name.partition(" simulated")[0] for name in labels(tmp_path)}) == 3


def test_a_folder_stands_for_the_runs_in_it_and_a_run_counts_once(tmp_path: Path) -> None:
    trainings(tmp_path / "deep" / "inside", 2)
    one = tmp_path / "deep" / "inside" / "SchNet-400-0"
    assert len(find_runs([tmp_path, one, tmp_path / "deep"])) == 2
    with pytest.raises(RunError, match="does not exist"):
        find_runs([tmp_path / "nowhere"])


def test_the_same_training_twice_counts_once_and_is_named(tmp_path: Path) -> None:
    Simulated().write(tmp_path / "a")
    Simulated().write(tmp_path / "b")
    members, absent = members_of(find_runs([tmp_path]))
    assert len(members) == 1
    assert [each.label for each in absent] == [str(tmp_path / "b")]
    assert "again: same config, seeds and frames" in absent[0].reason
    assert absent[0].level == "note"  # it is there, and readable


@pytest.mark.parametrize("which", ["killed", "untested"])
def test_a_training_that_was_made_again_counts_though_its_first_try_has_not_finished(
    tmp_path: Path, which: str
) -> None:
    first = Simulated()
    folder = first.write(tmp_path / "2026-01-01")
    replace(first.record(folder), **({"budget": None} if which == "killed" else {"metrics": {}})).save(folder.path)
    Simulated().write(tmp_path / "2026-01-02")
    members, absent = members_of(find_runs([tmp_path]))
    assert [(each.folder.path.name, each.outcome, each.label.training) for each in members] == [
        ("2026-01-02", "finished", 0)
    ]
    (left_out,) = absent
    assert left_out.label == str(folder.path)
    assert "has not ended" in left_out.reason or "not tested" in left_out.reason
    assert left_out.reason.endswith("2026-01-02 again: same config, seeds and frames")


def test_a_training_that_diverged_stays_a_result_where_the_next_try_finished(tmp_path: Path) -> None:
    Simulated(diverged=True).write(tmp_path / "2026-01-01")
    Simulated().write(tmp_path / "2026-01-02")
    members, absent = members_of(find_runs([tmp_path]))
    assert sorted(str(each.outcome) for each in members) == ["diverged", "finished"]
    assert absent == []


def test_trainings_are_counted_within_their_fold(tmp_path: Path) -> None:
    for fold in range(5):
        for seed in range(2):
            Simulated(fold=fold, seed=seed, whole_molecules=False).write(tmp_path / f"{fold}-{seed}")
    assert labels(tmp_path) == [f"SchNet simulated training {n} fold {fold}" for n in range(2) for fold in range(5)]


def test_sizes_are_named_where_they_vary(tmp_path: Path) -> None:
    trainings(tmp_path, 1, train=200)
    trainings(tmp_path, 1, train=400)
    assert labels(tmp_path) == ["SchNet simulated N=200 training 0", "SchNet simulated N=400 training 0"]


def test_sizes_that_differ_by_architecture_alone_are_in_one_table_under_a_banner(tmp_path: Path) -> None:
    trainings(tmp_path, 1, train=200)
    trainings(tmp_path, 1, train=400, architecture="PaiNN")
    members, absent = members_of(find_runs([tmp_path]))
    findings = find(members, absent, Asked("Two runs"))
    assert [list(table.rows) for table in findings.main] in ([["PaiNN", "SchNet"]], [["SchNet", "PaiNN"]])
    (banner,) = (each for each in findings.fairness.banners if "training frames for all" in each.text)
    assert banner.level == "amber"
    assert "PaiNN 400; SchNet 200 frames" in banner.text


@pytest.mark.parametrize("has_class", [True, False])
def test_the_batch_size_is_read_of_early_configs_too(tmp_path: Path, has_class: bool) -> None:
    run = Simulated().write(tmp_path / "a")
    if has_class:
        config = run.config.read_text().replace("data:", "data:\n  class_path: potbench.loading.AtomsDataModule")
        run.config.write_text(config)
    assert Choices.load(run).trainer["batch_size"] == 10


def test_datasets_of_one_name_are_told_apart_by_their_options(tmp_path: Path) -> None:
    for name in ("ethanol", "aspirin"):
        Simulated(manifest=replace(MANIFEST, options={"molecule": name}, fingerprint=name)).write(tmp_path / name)
    assert labels(tmp_path) == ["SchNet simulated aspirin training 0", "SchNet simulated ethanol training 0"]


def test_trainings_of_the_same_draw_have_the_same_number_in_all_architectures(tmp_path: Path) -> None:
    for architecture in ("SchNet", "PaiNN"):
        trainings(tmp_path, 4, architecture=architecture, draws=True)
    members, _ = members_of(find_runs([tmp_path]))
    draws = {(each.label.training, each.known.split.fingerprint) for each in members}
    assert len(draws) == 4


def test_foreign_damaged_and_newer_records_are_named(tmp_path: Path) -> None:
    Simulated().write(tmp_path / "good")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "record.json").write_text("{}")
    damaged = Simulated(seed=1).write(tmp_path / "damaged")
    damaged.record.write_text("{")
    newer = Simulated(seed=2).write(tmp_path / "newer")
    newer.record.write_text(json.dumps(json.loads(newer.record.read_text()) | {"format": 99}))
    no_yaml = Simulated(seed=3).write(tmp_path / "no_yaml")
    no_yaml.config.write_text("a: [")
    empty = Simulated(seed=5).write(tmp_path / "empty")
    empty.config.write_text("")
    unbegun = Simulated(seed=4).write(tmp_path / "unbegun")
    unbegun.record.unlink()
    members, absent = members_of(find_runs([tmp_path]))
    assert [member.folder.path.name for member in members] == ["good"]
    reasons = {Path(each.label).name: each.reason for each in absent}
    assert "no config.yaml" in reasons["foreign"]
    assert "record.json is damaged" in reasons["damaged"]
    assert "newer version" in reasons["newer"]
    assert "config.yaml is damaged" in reasons["no_yaml"]
    assert reasons["empty"] == "config.yaml is damaged: it has no model.potential, trainer, data.batch_size"
    assert "not begun" in reasons["unbegun"]


def test_a_run_that_is_not_finished_or_not_tested_is_missing(tmp_path: Path) -> None:
    run = Simulated()
    folder = run.write(tmp_path / "a")
    replace(run.record(folder), budget=None).save(folder.path)
    untested = Simulated(seed=1)
    folder = untested.write(tmp_path / "b")
    replace(untested.record(folder), metrics={}).save(folder.path)
    Simulated(seed=2).write(tmp_path / "c").predictions.unlink()
    members, _ = members_of(find_runs([tmp_path]))
    assert {str(member.outcome) for member in members} == {"missing"}
    said = " ".join(member.reason for member in members)
    assert all(words in said for words in ("not ended", "not tested", "no predictions.npz"))


def test_of_a_study_only_its_runs_are_taken(tmp_path: Path) -> None:
    (run,) = trainings(tmp_path / "study" / "runs", 1)
    trainings(tmp_path / "study" / "tuning" / "trials", 2)
    assert len(find_runs([tmp_path / "study"])) == 3
    (tmp_path / "study" / "plan.json").write_text("{}")
    for place in (tmp_path / "study", tmp_path):
        assert [each.path for each in find_runs([place])] == [run.path]
    assert len(find_runs([tmp_path / "study" / "tuning"])) == 2


def test_architectures_of_a_study_have_the_names_that_it_gives_them(tmp_path: Path) -> None:
    study = tmp_path / "study"
    cells = []
    for architecture, identity in (("SchNet", "c32f4281aa"), ("PaiNN", "d516f5d9bb")):
        name = f"{architecture.lower()}-large-sample-n400-t0-{identity[:8]}"
        run = Simulated(architecture=architecture)
        folder = run.write(study / "runs" / name)
        replace(run.record(folder), command=f"fit --config {study}/configs/{name}.yaml").save(folder.path)
        cells.append({"architecture": f"{architecture.lower()}-large", "identity": identity})
    (study / "plan.json").write_text(json.dumps({"cells": cells}))
    expected = ["painn-large simulated training 0", "schnet-large simulated training 0"]
    assert labels(study) == labels(tmp_path) == labels(*(study / "runs").iterdir()) == expected
