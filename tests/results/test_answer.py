from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from potbench.results.member import Label
from tests.results.conftest import Found, compare_labelled
from tests.results.simulated import MANIFEST, Simulated, predict_anew, trainings


def test_a_real_difference_is_answered_with_interval_and_ratio(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    trainings(tmp_path, 3, architecture="PaiNN", error=2.0)
    answer = found().answer
    assert answer.startswith("SchNet has the smallest forces MAE on simulated: 1.0")
    assert "kcal/mol/Å (95 % interval " in answer
    assert "over 3 trainings), 0.4" in answer
    assert answer.endswith("times that of PaiNN, the next.")


def test_energies_are_answered_in_both_units(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    trainings(tmp_path, 3, architecture="PaiNN", error=3.0)
    table = (findings := found(metric="energy_mae")).main[0]
    mean = table.rows["SchNet"].mean.mean
    assert f"{mean:.3g} kcal/mol = {mean * 43.3641:.3g} meV (95 %" in findings.answer


def test_one_training_each_decides_nothing_and_three_would(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 1, architecture="SchNet", error=1.0)
    trainings(tmp_path, 1, architecture="PaiNN", error=1.5)
    answer = found().answer
    assert answer.startswith("It cannot be decided whether SchNet or PaiNN has the smaller forces MAE")
    assert "one training" in answer
    assert "About 3 trainings of each would decide it" in answer


def test_what_is_undecided_says_how_many_trainings_would_decide(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0, scatter=0.15)
    trainings(tmp_path, 3, architecture="PaiNN", error=1.1, scatter=0.15)
    findings = found()
    (comparison,) = findings.main[0].ranking.comparisons
    assert not comparison.verdict
    assert findings.answer.startswith("It cannot be decided which of ")
    assert f"About {comparison.would_decide.trainings:,} trainings of each would decide it" in findings.answer


def test_few_blocks_of_frames_need_more_test_frames(tmp_path: Path, found: Found) -> None:
    settings = {"time": True, "num_test": 60, "test": 8_500}
    trainings(tmp_path, 3, architecture="SchNet", error=1.0, **settings)
    trainings(tmp_path, 3, architecture="PaiNN", error=1.5, **settings)
    assert "More test frames would decide it, not more trainings." in found().answer


def test_equal_is_said_where_it_is_known(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 5, architecture="SchNet", error=1.0, scatter=0.002, num_test=1000)
    trainings(tmp_path, 5, architecture="PaiNN", error=1.001, scatter=0.002, num_test=1000)
    trainings(tmp_path, 5, architecture="Worse", error=2.0, scatter=0.002, num_test=1000)
    answer = found(smallest_difference=0.1).answer
    assert "have equal forces MAE on simulated, within 10 %" in answer
    assert answer.endswith("Worse is worse than the best of them.")


def test_diverged_trainings_are_part_of_the_answer(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    trainings(tmp_path, 2, architecture="PaiNN", error=0.5)
    Simulated(architecture="PaiNN", seed=2, error=0.5, diverged=True).write(tmp_path / "diverged")
    answer = found().answer
    assert "2 of 3 of PaiNN" in answer
    assert "Trainings that do not diverge would decide it." in answer


def test_a_baseline_is_no_answer(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path / "a", 3, baseline=True, error=0.5)
    trainings(tmp_path / "b", 3, architecture="SchNet", error=1.0)
    trainings(tmp_path / "c", 3, architecture="PaiNN", error=2.0)
    findings = found()
    assert findings.main[0].rows["Pairwise"].baseline
    assert findings.reference(findings.main[0]) == "SchNet"
    assert findings.answer.startswith("SchNet has the smallest forces MAE")
    assert findings.answer.endswith("SchNet does not beat the baseline Pairwise.")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (1.0, " times that of the baseline Pairwise."),
        (2.07, "It cannot be decided whether SchNet beats the baseline Pairwise. "),
        (3.0, "SchNet does not beat the baseline Pairwise."),
    ],
)
def test_a_single_architecture_is_compared_with_the_baseline(
    tmp_path: Path, found: Found, error: float, said: str
) -> None:
    trainings(tmp_path / "a", 3, baseline=True, error=2.0)
    trainings(tmp_path / "b", 3, error=error)
    answer = found().answer
    assert answer.startswith("The forces MAE on simulated of SchNet is ")
    assert said in answer
    assert ("beat" in answer) is (error > 1)
    assert ("would decide it" in answer) is ("cannot be decided" in answer)


def test_a_single_architecture_is_measured(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3)
    assert found().answer.startswith("The forces MAE on simulated of SchNet is ")


def test_several_datasets_are_answered_by_the_geometric_mean_of_ratios(tmp_path: Path, found: Found) -> None:
    for place, name in enumerate(("ethanol", "aspirin", "benzene")):
        manifest = replace(MANIFEST, options={"molecule": name}, fingerprint=name)
        for architecture, error in (("SchNet", 1.0), ("PaiNN", 2.0 + place)):
            trainings(tmp_path / name, 3, architecture=architecture, error=error, manifest=manifest)
    findings = found()
    ratios = [table.rows["SchNet"].mean.mean / table.rows["PaiNN"].mean.mean for table in findings.main]
    mean = float(np.exp(np.log(ratios).mean()))
    assert f"on geometric average {mean:.3g} (95 % interval" in findings.answer
    assert findings.answer.endswith("Of the 3 datasets, SchNet is the best on 3.")


def of_molecule(folder: Path, molecule: str, errors: dict[str, float], number: int = 3, **settings: object) -> None:
    """Write trainings of architectures on one molecule."""
    manifest = replace(MANIFEST, options={"molecule": molecule}, fingerprint=molecule)
    for architecture, error in errors.items():
        trainings(folder / molecule, number, architecture=architecture, error=error, manifest=manifest, **settings)


def test_who_has_no_place_in_the_order_of_a_dataset_has_not_lost_there(tmp_path: Path, found: Found) -> None:
    of_molecule(tmp_path, "ethanol", {"SchNet": 1.0, "PaiNN": 2.0})
    of_molecule(tmp_path, "aspirin", {"SchNet": 1.0})
    of_molecule(tmp_path / "one", "aspirin", {"PaiNN": 0.4}, number=1)
    answer = found().answer
    assert answer.startswith("Over 2 datasets it cannot be decided which has the smallest forces MAE. ")
    assert "Not decided for PaiNN (one training)." in answer
    assert "SchNet is the best on 1; it cannot be decided on simulated aspirin for" in answer
    assert answer.endswith("for SchNet (interval over 3 trainings) and PaiNN (one training, interval over the frames).")


def test_diverged_trainings_are_no_lost_contest_either(tmp_path: Path, found: Found) -> None:
    of_molecule(tmp_path, "ethanol", {"SchNet": 1.0, "PaiNN": 2.0, "ACE": 3.0})
    of_molecule(tmp_path, "aspirin", {"SchNet": 1.0, "ACE": 3.0})
    of_molecule(tmp_path / "two", "aspirin", {"PaiNN": 0.4}, number=2)
    of_molecule(tmp_path / "lost", "aspirin", {"PaiNN": 0.4}, number=1, seed=2, diverged=True)
    answer = found().answer
    assert "Over 2 datasets SchNet has the smallest forces MAE" in answer
    assert "Not decided for PaiNN (" in answer
    assert (
        "Of the 2 datasets, SchNet is the best on 1; it cannot be decided on simulated aspirin for PaiNN (2" in answer
    )


def test_one_that_some_datasets_lack_is_named(tmp_path: Path, found: Found) -> None:
    of_molecule(tmp_path, "ethanol", {"SchNet": 1.0, "PaiNN": 2.0, "ACE": 0.3})
    of_molecule(tmp_path, "aspirin", {"SchNet": 1.0, "PaiNN": 2.0})
    answer = found().answer
    assert "Over 2 datasets SchNet has the smallest" in answer
    assert "Not decided for ACE (not compared on all datasets)." in answer


@pytest.mark.parametrize("errors", [{"SchNet": 1.0, "PaiNN": 2.0}, {"SchNet": 1.0}])
def test_a_baseline_that_is_not_beaten_on_several_datasets_is_said(
    tmp_path: Path, found: Found, errors: dict[str, float]
) -> None:
    for molecule in ("ethanol", "aspirin"):
        of_molecule(tmp_path, molecule, errors)
        of_molecule(tmp_path / "base", molecule, {"Pairwise": 0.3}, baseline=True)
    answer = found().answer
    assert ("Over 2 datasets SchNet has the smallest forces MAE: on" in answer) is (len(errors) == 2)
    assert "SchNet does not beat the baseline Pairwise." in answer.split("Of the 2 datasets")[0]
    assert "SchNet is the best on 2. " in answer
    assert "On simulated aspirin and simulated ethanol, SchNet does not beat the baseline Pairwise." in answer


def test_one_of_which_all_trainings_diverged_on_a_dataset_is_said(tmp_path: Path, found: Found) -> None:
    of_molecule(tmp_path, "ethanol", {"SchNet": 1.0, "PaiNN": 2.0, "ACE": 0.3})
    of_molecule(tmp_path, "aspirin", {"SchNet": 1.0, "PaiNN": 2.0})
    of_molecule(tmp_path / "lost", "aspirin", {"ACE": 0.3}, diverged=True)
    answer = found().answer
    assert "Not decided for ACE" in answer
    assert "trained without diverging: 0 of 3 of ACE." in answer


def test_one_dataset_that_is_divided_in_two_ways_has_no_mean_over_datasets(tmp_path: Path) -> None:
    labels = {}
    for place, name in enumerate(("random", "by_molecule")):
        for architecture, error in (("SchNet", 1.0), ("PaiNN", 2.0)):
            for seed in range(3):
                training = Simulated(architecture=architecture, error=error, seed=seed, test=8_000 + 500 * place)
                run = training.write(tmp_path / f"{name}-{architecture}-{seed}")
                labels[run.path] = Label(architecture, name, None, seed)
    answer = compare_labelled(labels).answer
    assert "geometric" not in answer
    assert "SchNet has the smallest forces MAE on random: " in answer
    assert "SchNet has the smallest forces MAE on by_molecule: " in answer


def test_the_largest_size_answers(tmp_path: Path, found: Found) -> None:
    for size, errors in ((200, (1.0, 2.0)), (400, (0.9, 0.4))):
        for name, error in zip(("SchNet", "PaiNN"), errors, strict=True):
            trainings(tmp_path, 3, architecture=name, error=error, train=size)
    assert found().answer.startswith("PaiNN has the smallest forces MAE on simulated, 400 training frames")


def test_no_training_with_errors_is_said(tmp_path: Path, found: Found) -> None:
    folder = Simulated().write(tmp_path / "a")
    folder.predictions.unlink()
    assert found().answer == (
        "It cannot be decided: no training has errors yet. Trainings that finish and are tested would decide it."
    )


def test_tables_that_must_not_be_compared_are_not_averaged_either(tmp_path: Path, found: Found) -> None:
    for test in (8_500, 9_000):
        for name, error in (("SchNet", 1.0), ("PaiNN", 2.0)):
            trainings(tmp_path / str(test), 3, architecture=name, error=error, test=test)
    answer = found().answer
    assert "geometric" not in answer
    assert "SchNet has the smallest forces MAE on simulated (A)" in answer
    assert "SchNet has the smallest forces MAE on simulated (B)" in answer


def test_who_is_not_in_the_order_is_no_reference_for_others(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    trainings(tmp_path, 3, architecture="PaiNN", error=2.0)
    trainings(tmp_path, 1, architecture="Lucky", error=0.5)
    findings = found()
    assert findings.reference(findings.main[0]) == "SchNet"
    findings = found(reference="PaiNN")
    assert findings.reference(findings.main[0]) == "PaiNN"


def test_the_best_on_each_named_test_set_is_said(tmp_path: Path, found: Found) -> None:
    sets = {"test_sets": ("300 K", "600 K"), "num_test": 400}
    for name, error in (("SchNet", 1.0), ("PaiNN", 3.0)):
        trainings(tmp_path, architecture=name, error=error, scatter=0.002, **sets)
    assert found().answer.endswith("By test set: SchNet is the best on 300 K and 600 K.")
    for run in trainings(tmp_path, architecture="ACE", error=1.0, scatter=0.002, **sets):
        with np.load(run.predictions, allow_pickle=False) as arrays:
            predicted = {name: arrays[name] for name in arrays}
        predicted["force_absolute_error"] *= np.where(predicted["test_set"] == 0, 0.5, 2.0)
        predict_anew(run, predicted)
    assert found().answer.endswith("By test set: ACE is the best on 300 K; SchNet is the best on 600 K.")
    (tied,) = (line for line in found(metric="energy_mae").answer.split(". ") if line.startswith("By test set"))
    assert "ACE and SchNet are tied for the best on" in tied or "SchNet and ACE are tied for the best on" in tied


def test_no_best_is_named_on_a_test_set_where_that_is_not_decided(tmp_path: Path, found: Found) -> None:
    sets = {"test_sets": ("300 K", "600 K"), "num_test": 400}
    trainings(tmp_path, architecture="SchNet", error=1.0, scatter=0.002, **sets)
    trainings(tmp_path, 1, architecture="PaiNN", error=0.3, scatter=0.002, **sets)
    said = found().answer.split("By test set: ")[1]
    assert said.startswith("it cannot be decided on 300 K for ")
    assert said.count("PaiNN (one training") == 2
    assert "best" not in said


def test_nothing_is_equal_where_every_difference_matters(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 3, architecture="SchNet", error=1.0)
    trainings(tmp_path, 3, architecture="PaiNN", error=1.001)
    assert found(smallest_difference=0.0).answer.startswith("It cannot be decided which of ")
