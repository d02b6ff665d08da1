import math
import shutil
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.special import stdtrit

from potbench.reporting.page.content import PageTable
from potbench.results import words
from potbench.results.errors import METRICS
from potbench.results.member import Label
from potbench.results.sections import results
from potbench.runs.predictions import errors
from potbench.statistics.interval import Basis
from potbench.statistics.verdict import Verdict
from tests.results.conftest import Found, compare_labelled
from tests.results.simulated import Simulated, predict_anew, trainings

NAMES = {"AEV": 1.0, "SchNet": 1.02, "PaiNN": 1.4, "Field": 1.42, "Last": 2.5}


def many(folder: Path, number: int = 3, **settings) -> None:
    for name, error in NAMES.items():
        trainings(folder, number, architecture=name, error=error, **settings)


@pytest.mark.parametrize("metric", METRICS)
def test_errors_are_those_that_a_test_measures(tmp_path: Path, found: Found, metric: str) -> None:
    (run,) = trainings(tmp_path, 1)
    with np.load(run.predictions) as arrays:
        expected = errors({name: arrays[name] for name in arrays})[metric]
    (table,) = found(metric=metric).main
    assert table.rows["SchNet"].mean.mean == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("metric", ["forces_mae", "energy_rmse"])
def test_letters_agree_with_verdicts_and_intervals(tmp_path: Path, found: Found, metric: str) -> None:
    many(tmp_path)
    (table,) = found(metric=metric).main
    ranking = table.ranking
    assert ranking is not None
    decided = 0
    for first, second in combinations(table.rows, 2):
        compared = table.comparison(first, second)
        shared = set(ranking.letters[first]) & set(ranking.letters[second])
        better = Verdict.BETTER in compared.comparison.verdict
        assert better == (not shared)
        assert not better or not compared.interval.low < 1 < compared.interval.high
        assert math.exp(compared.ratio.log_ratio) == pytest.approx(
            table.rows[first].mean.mean / table.rows[second].mean.mean, rel=2e-3
        )
        decided += better
    assert decided >= 6


def test_a_ratio_turned_round_is_its_inverse(tmp_path: Path, found: Found) -> None:
    many(tmp_path)
    (table,) = found().main
    there, back = table.comparison("AEV", "Last"), table.comparison("Last", "AEV")
    assert there.ratio.log_ratio == -back.ratio.log_ratio
    assert there.interval.low == pytest.approx(1 / back.interval.high)
    assert table.comparison("AEV", "AEV") is None


def test_one_training_and_two_trainings_are_called_so(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 1, architecture="One", error=1.0)
    trainings(tmp_path, 2, architecture="Two", error=2.0)
    trainings(tmp_path, 3, architecture="Three", error=3.0)
    (table,) = found().main
    one, two, three = table.rows.values()
    assert words.basis(one) == "one training, interval over the frames"
    assert words.basis(two) == "two trainings"
    assert words.error(two.mean) == ", ".join(f"{value:.2f}" for value in two.mean.values)
    assert "±" not in words.error(two.mean)
    assert words.basis(three) == "interval over 3 trainings"
    assert "±" in words.error(three.mean)


def test_a_diverged_training_is_never_dropped(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="PaiNN", error=2.0)
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    Simulated(architecture="SchNet", seed=3, diverged=True).write(tmp_path / "diverged")
    (table,) = found().main
    assert words.basis(table.rows["SchNet"]) == "3 of 4 trained"
    assert table.rows["SchNet"].mean.interval is None
    assert table.ranking.unranked == {"SchNet": Basis.DIVERGED}


def test_what_is_not_finite_is_lost_and_what_is_unknown_is_left_out(tmp_path: Path, found: Found) -> None:
    runs = [*trainings(tmp_path, 3, architecture="SchNet"), *trainings(tmp_path, 3, architecture="PaiNN", error=2.0)]
    for place, run in enumerate(runs):
        with np.load(run.predictions) as arrays:
            changed = {name: arrays[name].copy() for name in arrays}
        changed["force_absolute_error"][:10] = np.nan  # unknown labels
        if place == 0:
            changed["force_absolute_error"][50] = np.nan
        predict_anew(run, changed)
    (table,) = found().main
    assert table.num_frames == 190
    assert words.basis(table.rows["SchNet"]) == "2 of 3 trained"
    assert words.basis(table.rows["PaiNN"]) == "interval over 3 trainings"


@pytest.mark.parametrize("draws", [True, False])
def test_trainings_are_paired_where_their_training_frames_are(tmp_path: Path, found: Found, draws: bool) -> None:
    trainings(tmp_path, 3, architecture="SchNet", draws=draws)
    trainings(tmp_path, 3, architecture="PaiNN", draws=draws)
    (table,) = found().main
    assert bool(table.paired) is draws
    assert len(table.comparison("SchNet", "PaiNN").ratio.trainings) == (1 if draws else 2)


@pytest.mark.parametrize("lacking", ["missing", "diverged"])
def test_a_training_that_one_architecture_lacks_changes_nothing_between_two_others(
    tmp_path: Path, found: Found, lacking: str
) -> None:
    for name in ("SchNet", "PaiNN", "AEV"):
        trainings(tmp_path, 3, architecture=name, draws=True)
    whole = found()
    run = tmp_path / "AEV-400-1"
    shutil.rmtree(run)
    if lacking == "diverged":
        Simulated(architecture="AEV", seed=1, draws=True, diverged=True).write(run)
    part = found()
    before, after = (each.main[0].comparison("SchNet", "PaiNN").ratio for each in (whole, part))
    assert before == after
    assert len(whole.main[0].paired) == 3
    assert [set(pair) for pair in part.main[0].paired] == [{"SchNet", "PaiNN"}]
    said = [" ".join(each.notes) for each in results.section(part).blocks if isinstance(each, PageTable)]
    assert "in pairs where both architectures had the same training frames: 1 of 3." in said[0]


@pytest.mark.parametrize("labelled", [True, False], ids=["labels_of_a_study", "rules_of_given_runs"])
def test_trainings_of_one_fold_are_averaged_since_they_share_its_training_frames(
    tmp_path: Path, found: Found, labelled: bool
) -> None:
    labels = {}
    for name in ("SchNet", "PaiNN"):
        for fold in range(4):
            for seed in range(3):
                # folds are better and worse for all alike
                settings = Simulated(
                    architecture=name, seed=100 * fold + seed, draws=True, error=1.0 + 0.2 * fold, scatter=0.0
                )
                split = Simulated(seed=fold, draws=True).split
                run = settings.write(tmp_path / f"{name}-{fold}-{seed}")
                split.save(run.split)
                record = settings.record(run)
                inside = (
                    "potbench.loading.CalibrationSplit(split=potbench.loading.RandomSplit(seed=0), calibration=0.1)"
                )
                rule = "" if labelled else f"potbench.loading.Folds(split={inside}, fold={fold}, num_folds=4)"
                train = record.split.train + (fold == 3)  # of 1,601 frames, a fold has one more
                summary = replace(record.split, fingerprint=split.fingerprint, rule=rule, train=train)
                replace(record, split=summary).save(run.path)
                labels[run.path] = Label(name, "simulated", None, seed, fold)
    (table,) = (compare_labelled(labels) if labelled else found()).main
    assert table.paired
    row = table.rows["SchNet"]
    assert len(row.mean.values) == len(row.finished) == 12
    means = np.reshape(row.mean.values, (4, 3)).mean(axis=1)
    half = stdtrit(3, 0.975) * means.std(ddof=1) / 2
    assert row.mean.interval == pytest.approx((means.mean() - half, means.mean() + half), rel=1e-9)
    assert words.basis(row) == "interval over 4 folds, 12 trainings"
    # what folds do to both alike is not in their ratio
    compared = table.comparison("SchNet", "PaiNN")
    assert compared is not None
    assert compared.interval is not None
    assert compared.interval.high / compared.interval.low < 1.2 < (row.mean.interval.high / row.mean.interval.low)


def test_named_test_sets_have_tables_of_their_own(tmp_path: Path, found: Found) -> None:
    for name in ("SchNet", "PaiNN"):
        trainings(tmp_path, 3, architecture=name, test_sets=("300K", "600K"))
    findings = found()
    assert [table.test_set for table in findings.tables] == ["", "300K", "600K"]
    assert [table.num_frames for table in findings.tables] == [200, 100, 100]
    assert findings.tables[1].title == "simulated, test set 300K"
    assert len(findings.main) == 1


def test_blocks_are_molecules_stretches_of_time_or_frames(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path / "frames", 1)
    trainings(tmp_path / "time", 1, time=True, train=300, num_test=2000, test=8_000)
    trainings(tmp_path / "many", 1, train=200, molecules=[f"m{number:02}" for number in range(20)], test=7_000)
    texts = {table.group.size: table.independence.text for table in found().tables}
    assert texts[400] == "200 frames"
    assert texts[200] == "20 molecules"
    assert texts[300] == "199 stretches of the trajectory"


def test_an_interval_of_an_error_ends_at_zero_and_its_half_is_that_of_the_other_end(
    tmp_path: Path, found: Found
) -> None:
    for seed, error in enumerate((0.1, 0.2, 4.0)):
        Simulated(seed=seed, error=error, scatter=0).write(tmp_path / str(seed))
    (table,) = found().main
    mean = table.rows["SchNet"].mean
    half = 4.3027 * np.std(mean.values, ddof=1) / np.sqrt(3)
    assert half > mean.mean
    assert mean.interval == pytest.approx((0.0, mean.mean + half), rel=1e-4)
    assert words.error(mean) == f"{mean.mean:.3g} ± {half:.2g}"
