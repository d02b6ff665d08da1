from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from potbench.reporting.page.content import PageTable
from potbench.reporting.rounding import exponent
from potbench.results import words
from potbench.results.findings import find
from potbench.results.given_runs import find_runs, members_of
from potbench.results.member import Asked, Label
from potbench.results.report import write_report
from potbench.results.sections import learning_curves
from potbench.statistics.interval import Basis
from tests.results.conftest import Found, compare_labelled
from tests.results.simulated import Simulated
from tests.results.test_report import sections, text

MOLECULES = tuple(f"C{number}" for number in range(20))


def folds(folder: Path, number: int = 5, seeds: int = 1, **settings) -> None:
    """Runs of one architecture, one for each fold and seed."""
    settings = {"num_test": 100, "train": 300, "molecules": MOLECULES, **settings}
    name = settings.get("architecture", "SchNet")
    for seed in range(seeds):
        for fold in range(number):
            Simulated(fold=fold, seed=seed, **settings).write(folder / f"{name}-{fold}-{seed}")


def test_folds_of_whole_molecules_are_one_table_over_the_molecules(tmp_path: Path, found: Found) -> None:
    folds(tmp_path)
    folds(tmp_path, architecture="PaiNN", error=2.0)
    findings = found(metric="forces_mae")
    (table,) = findings.main
    assert (table.num_frames, table.independence.text) == (500, "20 molecules")
    assert np.array_equal(np.sort(table.group.test.frames), np.arange(500))
    row = table.rows["SchNet"]
    assert (row.mean.basis, words.basis(row)) == (Basis.MOLECULES, "interval over the molecules")
    assert len(row.mean.values) == len(row.finished) == 5
    assert table.ranking.order == ("SchNet", "PaiNN")
    assert table.comparison("SchNet", "PaiNN").interval.high < 1
    assert findings.fairness.checks[0].holds
    assert not [each for each in findings.fairness.banners if each.level == "red"]


def test_folds_that_share_molecules_are_compared_by_corrected_resampling(tmp_path: Path, found: Found) -> None:
    for name, error in (("SchNet", 1.0), ("PaiNN", 2.0)):
        folds(tmp_path, architecture=name, error=error, whole_molecules=False, molecules=("ethanol",))
    (table,) = found(metric="forces_rmse").main
    row = table.rows["SchNet"]
    assert (row.mean.basis, words.basis(row)) == (Basis.FOLDS, "corrected resampling over 5 folds")
    (source,) = table.comparison("SchNet", "PaiNN").ratio.sources
    assert (source.number, source.correlation) == (5, pytest.approx(100 / 300))
    assert table.best == {}


@pytest.mark.slow
def test_the_page_says_on_what_intervals_rest_and_that_a_naive_test_is_wrong(tmp_path: Path, found: Found) -> None:
    for name in ("SchNet", "PaiNN"):
        folds(tmp_path / "runs", architecture=name, seeds=2, whole_molecules=False, molecules=("ethanol",))
    write_report(found(), tmp_path / "page")
    page = (tmp_path / "page" / "report.md").read_text()
    assert "corrected resampling over 5 folds" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "calls equal architectures different far too often" in page
    assert "500 test frames in 5 folds, each predicted by the training that did not see it" in page


@pytest.mark.parametrize("number", [4, 5])
def test_folds_share_as_many_training_frames_as_their_splits_say(tmp_path: Path, found: Found, number: int) -> None:
    folds(tmp_path, number, train=150)
    folds(tmp_path, architecture="PaiNN", train=150)
    trained = [Simulated(fold=fold, num_test=100, train=150).split.train for fold in range(number)]
    shares = [len(np.intersect1d(one, other)) / 150 for one, other in combinations(trained, 2)]
    said = text(sections(found())["results"])
    assert f"folds, which share {np.mean(shares):.0%} of their training frames" in said


def test_three_trainings_of_each_fold_are_rows_of_their_own(tmp_path: Path, found: Found) -> None:
    for name in ("SchNet", "PaiNN"):
        folds(tmp_path, architecture=name, seeds=3)
    (table,) = found().main
    row = table.rows["SchNet"]
    assert row.errors.errors.shape == (3, 500)
    assert len(row.finished) == len(row.mean.values) == 15
    for training in row.trainings:
        assert [member.label.fold for member in training] == [0, 1, 2, 3, 4]
        assert len({member.known.seeds.everything for member in training}) == 1
    assert len(table.comparison("SchNet", "PaiNN").ratio.trainings) == 2


def test_only_folds_that_all_have_are_compared_and_it_is_said(tmp_path: Path, found: Found) -> None:
    folds(tmp_path)
    folds(tmp_path, number=4, architecture="PaiNN")
    folds(tmp_path, number=2, architecture="AEV")
    findings = found()
    (table,) = findings.main
    assert set(table.rows) == {"SchNet", "PaiNN"}
    assert table.num_frames == 400
    said = "Compared on 4 of 5 folds: AEV lacks fold 2, fold 3, fold 4; PaiNN lacks fold 4"
    assert any(each.level == "amber" and each.text.startswith(said) for each in findings.fairness.banners)
    reasons = sorted(each.reason for each in findings.absent)
    assert reasons == ["it has not more than half of the folds"] * 2 + ["not all architectures have this fold"]
    # they are there, and readable
    assert {each.level for each in findings.absent} == {"note"}
    assert not any("readable" in each.text for each in findings.fairness.banners)


def test_a_fold_that_diverged_leaves_its_architecture_without_a_place(tmp_path: Path, found: Found) -> None:
    folds(tmp_path, seeds=2)
    folds(tmp_path, seeds=2, architecture="PaiNN")
    Simulated(fold=3, num_test=100, train=300, seed=1, diverged=True).write(tmp_path / "SchNet-3-1")
    (table,) = found().main
    row = table.rows["SchNet"]
    assert (row.mean.basis, row.mean.interval) == (Basis.DIVERGED, None)
    assert (len(row.trainings), len(row.lost), row.trained) == (1, 1, "9 of 10")
    assert table.ranking.order == ("PaiNN",)


def test_an_architecture_that_diverged_in_a_fold_is_not_judged_by_the_others(tmp_path: Path, found: Found) -> None:
    folds(tmp_path)
    folds(tmp_path, architecture="PaiNN")
    for number, lost in enumerate((3, 1, 0), 1):
        # in most of the folds in the end
        Simulated(fold=lost, num_test=100, train=300, diverged=True).write(tmp_path / f"SchNet-{lost}-0")
        findings = found()
        (table,) = findings.main
        row = table.rows["SchNet"]
        assert table.num_frames == 500
        assert (row.trained, words.basis(row)) == (f"{5 - number} of 5", f"{5 - number} of 5 trained")
        assert (row.mean.mean, row.trainings) == (None, ())
        assert table.ranking is None or "SchNet" not in table.ranking.order
        assert {each.reason for each in findings.absent} == {"its architecture diverged in another fold"}
        assert not any("lacks" in each.text or "readable" in each.text for each in findings.fairness.banners)
        as_many = next(each for each in findings.fairness.checks if each.says.startswith("As many trainings"))
        assert (as_many.holds, as_many.reason) == (True, "5 trainings each")


def test_where_all_architectures_diverged_in_a_fold_none_has_a_place(tmp_path: Path, found: Found) -> None:
    for fold, name in enumerate(("SchNet", "PaiNN")):
        folds(tmp_path, architecture=name)
        run = Simulated(architecture=name, fold=fold, num_test=100, train=300, diverged=True)
        run.write(tmp_path / f"{name}-{fold}-0")
    (table,) = found().main
    assert [(row.mean.basis, row.mean.interval) for row in table.rows.values()] == [(Basis.DIVERGED, None)] * 2
    assert {row.trained for row in table.rows.values()} == {"4 of 5"}


def test_a_fold_in_which_all_diverged_leaves_all_without_a_place(tmp_path: Path, found: Found) -> None:
    for name in ("SchNet", "PaiNN"):
        folds(tmp_path, architecture=name)
        run = Simulated(architecture=name, fold=2, num_test=100, train=300, diverged=True)
        run.write(tmp_path / f"{name}-2-0")
    findings = found()
    (table,) = findings.main
    assert table.num_frames == 400
    assert [(row.mean.basis, row.trained) for row in table.rows.values()] == [(Basis.DIVERGED, "4 of 5")] * 2
    assert not findings.absent


def test_folds_that_do_not_match_stay_apart_and_are_said(tmp_path: Path, found: Found) -> None:
    folds(tmp_path)
    folds(tmp_path, architecture="PaiNN", num_test=110)
    findings = found()
    assert len(findings.groups) == 10
    assert all(group.pool is None for group in findings.groups)
    assert findings.fairness.checks[0].holds is False


def test_learning_curves_are_fitted_to_each_fold(tmp_path: Path) -> None:
    for train, error in ((200, 2.0), (300, 1.5)):
        folds(tmp_path / str(train), train=train, error=error)
    members, absent = members_of(find_runs([tmp_path]))
    sized = [replace(each, label=each.label._replace(size=each.known.split.train, training=0)) for each in members]
    findings = find(sized, absent, Asked("Sizes"))
    assert [(table.group.size, table.num_frames) for table in findings.main + findings.tables[:1]] == [
        (300, 500),
        (200, 500),
    ]
    section = learning_curves.section(findings)
    assert "over folds, trainings of one fold averaged, with an allowance" in section.blocks[0]
    (curves,) = (block for block in section.blocks if isinstance(block, PageTable))
    ((_, found_exponent, *_, scope),) = curves.rows
    assert scope.text == "corrected resampling over 5 folds"
    # of each fold alone, with 100 test frames for 300 training frames
    errors = np.array([table.rows[exponent_of].mean.values for table in findings.tables for exponent_of in table.rows])
    slopes = -np.diff(np.log(errors), axis=0)[0] / np.log(300 / 200)
    width = stdtrit(4, 0.975) * slopes.std(ddof=1) * np.sqrt(1 / 5 + 100 / 300)
    ends = f"{exponent(slopes.mean() - width)} to {exponent(slopes.mean() + width)}"
    assert found_exponent.text == f"{exponent(slopes.mean())} ({ends})"


def test_folds_with_the_same_test_frames_count_their_trainings_once(tmp_path: Path) -> None:
    """Two trainings on each of three folds are three exponents."""
    labels = {}
    for train in (200, 300):
        for fold in range(3):
            for seed in range(2):
                run = Simulated(seed=10 * fold + seed, draws=True, train=train).write(
                    tmp_path / f"{train}-{fold}-{seed}"
                )
                labels[run.path] = Label("SchNet", "simulated", train, seed, fold)
    findings = compare_labelled(labels)
    section = learning_curves.section(findings)
    assert "the interval of b is that over folds, trainings of one fold averaged." in section.blocks[0]
    errors = np.log([table.rows["SchNet"].mean.values for table in findings.tables])
    slopes = (-np.diff(errors, axis=0)[0] / np.log(300 / 200)).reshape(3, 2).mean(axis=1)
    width = stdtrit(2, 0.975) * slopes.std(ddof=1) / np.sqrt(3)
    (curves,) = (block for block in section.blocks if isinstance(block, PageTable))
    ends = f"{exponent(slopes.mean() - width)} to {exponent(slopes.mean() + width)}"
    assert f"({ends})" in curves.rows[0][1].text


def test_sizes_of_folds_that_differ_by_a_frame_are_one(tmp_path: Path, found: Found) -> None:
    for name in ("SchNet", "PaiNN"):
        folds(tmp_path, number=4, architecture=name)
        Simulated(architecture=name, fold=4, num_test=100, train=299, molecules=MOLECULES).write(tmp_path / name)
    (table,) = found().main
    assert (table.group.size, table.num_frames) == (None, 500)
