import csv
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.loading.unseen_elements import UnseenElements
from potbench.reporting.page.content import PageTable
from potbench.results.findings import Findings
from potbench.results.records_csv import write_records
from potbench.results.sections import fair
from potbench.runs.record import Seeds
from tests.results.conftest import Found
from tests.results.simulated import Simulated, trainings


def check(findings: Findings, words: str):
    """The check that says so."""
    return next(each for each in findings.fairness.checks if words in each.says)


def levels(findings: Findings, words: str) -> list[str]:
    """The levels of the banners that say so."""
    return [banner.level for banner in findings.fairness.banners if words in banner.text]


@pytest.mark.parametrize(
    ("rule", "level"), [(None, "amber"), ("steps", "red"), ("epochs", "red"), ("frames", "red"), ("as_given", "red")]
)
def test_budgets_that_differ_have_a_banner(tmp_path: Path, found: Found, rule: str | None, level: str) -> None:
    trainings(tmp_path, 3, architecture="SchNet", steps=1000)
    trainings(tmp_path, 3, architecture="PaiNN", steps=2000)
    findings = found(budget=rule)
    assert level in levels(findings, "Same number of")
    words = {"epochs": "passes", "frames": "frames trained on"}.get(rule or "", "optimizer steps")
    broken = check(findings, words)
    assert broken.holds is False
    assert "of SchNet" in broken.reason
    assert "of PaiNN" in broken.reason


def test_equal_budgets_have_none(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet")
    trainings(tmp_path, 3, architecture="PaiNN")
    findings = found(budget="steps")
    assert findings.fairness.banners == ()
    assert check(findings, "optimizer steps").reason == "1,000 optimizer steps"
    assert all(each.holds is not False for each in findings.fairness.checks)


def test_as_given_is_red_even_where_budgets_happen_to_be_equal(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    assert levels(found(budget="as_given"), "as long as") == ["red"]


def test_wall_times_may_differ_by_little(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)  # 60 s
    trainings(tmp_path, 3, architecture="PaiNN", error=1.1)
    assert check(found(budget="wall_time"), "training time").holds
    trainings(tmp_path, 3, architecture="Slow", error=2.0)
    assert check(found(budget="wall_time"), "training time").holds is False


def test_recipe_and_machine_are_listed_without_a_banner(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", learning_rate=1e-3)
    trainings(tmp_path, 3, architecture="PaiNN", learning_rate=1e-2)
    findings = found()
    broken = check(findings, "learning rate")
    assert broken.holds is False
    assert broken.reason == "0.01 of PaiNN; 0.001 of SchNet"
    assert levels(findings, "learning rate") == []


def test_batches_in_another_order_have_a_banner(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet")
    trainings(tmp_path, 3, architecture="PaiNN", shuffle=False)
    findings = found()
    assert check(findings, "same order").reason == "in the order of the dataset of PaiNN; at random of SchNet"
    assert levels(findings, "same order") == ["amber"]


@pytest.mark.parametrize("rule", [None, "steps"])
def test_accumulated_batches_are_frames_of_a_step(tmp_path: Path, found: Found, rule: str | None) -> None:
    trainings(tmp_path, 3, architecture="SchNet", batch_size=40)
    trainings(tmp_path, 3, architecture="PaiNN", trainer={"accumulate_grad_batches": 4})
    assert check(found(budget=rule), "optimizer step").holds
    trainings(tmp_path, 3, architecture="Field", batch_size=10)
    findings = found(budget=rule)
    broken = check(findings, "frames in an optimizer step")
    assert broken.holds is False
    assert "10 frames of Field" in broken.reason
    assert "40 frames of PaiNN, SchNet" in broken.reason
    assert levels(findings, "frames in an optimizer step") == ["amber"]
    (budgets,) = (block for block in fair.section(findings).blocks if isinstance(block, PageTable))
    place = [column.name for column in budgets.columns].index("Batch size")
    shown = {row[0].text: row[place].text for row in budgets.rows}
    assert shown == {"SchNet": "40", "PaiNN": "10 × 4", "Field": "10"}
    with write_records(findings, tmp_path).open() as file:
        rows = {(row["architecture"], row["batch_size"], row["batches_of_step"]) for row in csv.DictReader(file)}
    assert rows == {("SchNet", "40", "1"), ("PaiNN", "10", "4"), ("Field", "10", "1")}


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"overfit_batches": 8}, "8 batches of PaiNN"),
        ({"overfit_batches": 0.1}, "0.1 of the batches of PaiNN"),
        ({"limit_train_batches": 8}, "8 batches of PaiNN"),
        ({"limit_train_batches": 2}, "2 batches of PaiNN"),
    ],
)
def test_training_on_a_part_of_the_batches_has_a_banner(
    tmp_path: Path, found: Found, limit: dict[str, float], said: str
) -> None:
    trainings(tmp_path, 3, architecture="SchNet", trainer={"overfit_batches": 0.0, "limit_train_batches": 1.0})
    trainings(tmp_path, 3, architecture="PaiNN", trainer=limit)
    findings = found()
    assert check(findings, "batches in each epoch").reason == f"{said}; all batches of SchNet"
    assert levels(findings, "batches in each epoch") == ["amber"]


def test_looks_warm_starts_and_numbers_of_trainings_are_checked(tmp_path: Path, found: Found) -> None:
    first, *_ = trainings(tmp_path, 3, architecture="SchNet")
    trainings(tmp_path, 2, architecture="PaiNN")
    record = Simulated().record(first)
    replace(record, test_looks=4).save(first.path)
    findings = found()
    assert check(findings, "looked at once").reason == "SchNet simulated training 0 4 times"
    assert check(findings, "As many trainings").reason == "simulated: 2 of PaiNN; 3 of SchNet"
    assert check(findings, "warm start").holds


def test_trainings_that_are_missing_have_a_banner(tmp_path: Path, found: Found) -> None:
    _, second, _ = trainings(tmp_path, 3)
    second.predictions.unlink()
    findings = found()
    assert levels(findings, "not there yet") == ["note"]
    assert findings.main[0].rows["SchNet"].missing == 1


@pytest.mark.parametrize("of_one", [True, False], ids=["of_one", "of_two"])
def test_trainings_that_are_missing_are_not_said_to_be_of_other_draws(
    tmp_path: Path, found: Found, of_one: bool
) -> None:
    for place, name in enumerate(("SchNet", "PaiNN")):
        runs = trainings(tmp_path, 3, architecture=name, draws=True)
        if place == 0 or not of_one:
            runs[place].predictions.unlink()
    findings = found()
    frames = check(findings, "Same training frames")
    assert frames.holds is True
    assert frames.reason.endswith("draws, the same for each, but for trainings that are not there")
    assert check(findings, "As many trainings").holds is not of_one
    assert levels(findings, "training frames for all") == []


@pytest.mark.parametrize("draws", [(1, 2, 3), (0, 0, 0)], ids=["partly_others", "one_alone"])
def test_other_draws_of_training_frames_have_a_banner(tmp_path: Path, found: Found, draws: tuple[int, ...]) -> None:
    trainings(tmp_path, 3, architecture="SchNet", draws=True)
    for seed, draw in enumerate(draws):
        training = Simulated(architecture="PaiNN", seed=draw, draws=True)
        run = training.write(tmp_path / f"PaiNN-{seed}")
        replace(training.record(run), seeds=Seeds(seed, seed)).save(run.path)
    findings = found()
    assert check(findings, "Same training frames").reason == "simulated: as many, but of other draws"
    assert levels(findings, "training frames for all") == ["amber"]


def test_tf32_of_some_is_seen(tmp_path: Path, found: Found) -> None:
    for architecture, products in (("SchNet", "highest"), ("PaiNN", "high")):
        for run in trainings(tmp_path, 3, architecture=architecture):
            record = Simulated(architecture=architecture).record(run)
            machine = replace(record.provenance.machine, matrix_products=products)
            replace(record, provenance=replace(record.provenance, machine=machine)).save(run.path)
    findings = found()
    assert check(findings, "tf32").reason == "high of PaiNN; highest of SchNet"
    assert "amber" in levels(findings, "tf32")


@pytest.mark.parametrize("more", [["SchNet", "PaiNN"], ["PaiNN"]], ids=["of_each", "of_one"])
def test_folds_may_have_a_frame_more_where_it_is_the_same_fold_of_each(
    tmp_path: Path, found: Found, more: list[str]
) -> None:
    """100 frames in three folds: 34, 33, and 33."""
    for architecture in ("SchNet", "PaiNN"):
        for fold in range(5):
            training = Simulated(architecture=architecture, fold=fold, whole_molecules=False)
            run = training.write(tmp_path / f"{architecture}-{fold}")
            record = training.record(run)
            if fold == 0 and architecture in more:
                replace(record, split=replace(record.split, validation=record.split.validation + 1)).save(run.path)
    assert check(found(), "validation frames").holds is (len(more) == 2)


def test_elements_that_training_frames_lack_have_a_banner_that_names_the_fold(tmp_path: Path, found: Found) -> None:
    def write(training: Simulated, unseen: UnseenElements | None) -> None:
        run = training.write(tmp_path / f"{training.architecture}-{training.fold}")
        record = training.record(run)
        replace(record, split=replace(record.split, unseen=unseen)).save(run.path)

    for architecture in ("SchNet", "PaiNN"):
        for fold in range(5):
            unseen = UnseenElements(("F",), 0, 1) if fold == 4 else UnseenElements()
            write(Simulated(architecture=architecture, fold=fold, whole_molecules=False), unseen)
    findings = found()
    broken = check(findings, "elements")
    assert broken.holds is False
    assert (
        broken.reason
        == "simulated fold 4: 1 test frame with F. They are predicted blindly, and may decide all averages"
    )
    assert levels(findings, "predicted blindly") == ["amber"]

    for architecture in ("SchNet", "PaiNN"):
        write(
            Simulated(architecture=architecture, fold=4, whole_molecules=False), UnseenElements(("F",), 2, 0)
        )  # of no test frame
    assert check(found(), "elements").holds is True
    write(Simulated(architecture="PaiNN", fold=4, whole_molecules=False), None)
    assert check(found(), "elements").holds is None
