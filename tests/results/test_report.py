import re
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from potbench.loading.store import Store
from potbench.reporting.page.content import Code, PageFigure, PageTable, Structures
from potbench.results.findings import Findings, find
from potbench.results.given_runs import find_runs, members_of
from potbench.results.member import Asked, Label, Search
from potbench.results.records_csv import write_records
from potbench.results.report import page_of, write_report
from potbench.results.sections import data, differences, fair, repeat, results
from potbench.results.sections import trainings as training_curves
from potbench.runs.findings import LawFound
from potbench.runs.folder import RunFolder
from potbench.runs.predictions import force_errors
from potbench.runs.provenance import Machine, Provenance
from potbench.runs.record import InferenceCost, Measured, Record
from potbench.structures import Frames
from potbench.units import Quantity
from tests.results.conftest import Found, compare_labelled
from tests.results.simulated import MANIFEST, PROVENANCE, Simulated, predict_anew, trainings


def sections(findings: Findings) -> dict[str, tuple]:
    """The blocks of each section of the page."""
    return {section.name: section.blocks for section in page_of(findings, "today").sections}


def text(blocks: tuple) -> str:
    """Everything that tables and paragraphs say."""
    parts = []
    for block in blocks:
        if isinstance(block, PageTable):
            parts += [block.title, *(column.name for column in block.columns), *block.notes]
            parts += [f"{value.text} {value.note}" for row in block.rows for value in row]
        elif isinstance(block, str):
            parts.append(block)
        elif isinstance(block, Code):
            parts.append(block.text)
    return "\n".join(parts)


def two(folder: Path, **settings) -> None:
    trainings(folder, 3, architecture="SchNet", error=1.0, **settings)
    trainings(folder, 3, architecture="PaiNN", error=2.0, **settings)


def test_a_section_without_data_is_left_out(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    names = list(sections(found()))
    assert names == [
        *("fair", "results", "differences", "cost", "where", "parity", "worst", "trainings", "data", "repeat")
    ]


def test_every_training_has_a_curve_or_a_reason_why_it_has_none(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    gone, damaged, short = (RunFolder(tmp_path / f"SchNet-400-{seed}") for seed in range(3))
    gone.metrics.unlink()
    damaged.metrics.write_text("epoch,step,validation/forces_mae\n0,0,text\n")
    short.metrics.write_text("epoch,step,validation/forces_mae\n0,0,1.0\n")
    figure, *said = training_curves.section(found()).blocks
    assert figure.title.endswith("3 trainings")
    assert said == [
        "Without a curve, since there is no metrics.csv: SchNet simulated training 0.",
        "Without a curve, since metrics.csv is damaged (could not convert string to float: 'text'): "
        "SchNet simulated training 1.",
        "Without a curve, since metrics.csv has 1 validation: SchNet simulated training 2.",
    ]


def test_no_more_curves_are_drawn_than_a_page_can_hold_and_the_others_are_counted(
    tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path)
    monkeypatch.setattr("potbench.results.sections.trainings.MOST_CURVES", 2)
    monkeypatch.setattr("potbench.results.sections.trainings.MOST_NAMED", 1)
    figure, said = training_curves.section(found()).blocks
    assert figure.title.endswith("4 trainings")
    assert said.startswith("Without a curve, since no more than 2 trainings of an architecture are drawn: ")
    assert said.endswith(" simulated training 2 and 1 more.")


def test_every_table_has_as_many_values_as_columns_and_every_figure_a_name_of_its_own(
    tmp_path: Path, found: Found
) -> None:
    for size in (100, 200, 400):
        two(tmp_path / str(size), train=size, draws=True, test_sets=("300K", "600K"))
    Simulated(architecture="PaiNN", seed=7, diverged=True).write(tmp_path / "diverged")
    blocks = [block for each in sections(found()).values() for block in each]
    tables = [block for block in blocks if isinstance(block, PageTable)]
    tables += [block.data for block in blocks if isinstance(block, PageFigure) and block.data]
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    names = [block.name for block in blocks if isinstance(block, PageFigure)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"\w+", name) for name in names)
    assert all(
        "test frames" in block.title or "trainings" in block.title for block in blocks if isinstance(block, PageFigure)
    )


def test_learning_curves_say_exponent_efficiency_and_scope(tmp_path: Path, found: Found) -> None:
    for size in (100, 200, 400, 800):
        trainings(tmp_path, 3, architecture="SchNet", train=size, error=20 * size**-0.5, draws=True)
        trainings(tmp_path, 3, architecture="PaiNN", train=size, error=10 * size**-0.5, draws=True)
    said = text(sections(found(reference="SchNet", budget="steps"))["learning-curves"])
    exponents = [float(value) for value in re.findall(r"^(0\.\d\d) \(", said, re.MULTILINE)]
    assert exponents == pytest.approx([0.5, 0.5], abs=0.03)
    assert "Error at 800 frames" in said
    assert "Validation frames come on top" in said
    assert "All sizes have the same budget: steps" in said
    # 800 of 8,000 frames are drawn
    assert "any training frames" in said or "given this pool: trainings share 10%" in said


@pytest.mark.parametrize(
    ("what", "said"),
    [("missing", r"0\.5\d \(\S+ to \S+\) 1 missing"), ("diverged", r"0\.5\d \(some trainings diverged\) $")],
)
def test_a_training_that_lacks_a_size_diverged_or_is_missing(tmp_path: Path, what: str, said: str) -> None:
    labels = {}
    for train in (100, 200, 400):
        for seed in range(4):
            training = Simulated(seed=seed, train=train, error=20 * train**-0.5, draws=True)
            lacking = (seed, train) == (3, 400)
            run = replace(training, diverged=lacking and what == "diverged").write(tmp_path / f"{train}-{seed}")
            labels[run.path] = Label("SchNet", "simulated", train, seed)
            if lacking and what == "missing":
                run.predictions.unlink()
    shown = text(sections(compare_labelled(labels))["learning-curves"])
    assert re.search(said, shown, re.MULTILINE)


def test_trainings_that_are_not_known_to_be_of_one_draw_have_no_exponent_and_are_named(
    tmp_path: Path, found: Found
) -> None:
    for size in (100, 200):
        trainings(tmp_path, 3, architecture="SchNet", train=size, error=20 / size, draws=True)
        for seed in range(3):
            run = Simulated(architecture="PaiNN", seed=seed, train=size, error=10 / size, draws=True)
            folder = run.write(tmp_path / f"PaiNN-{size}-{seed}")
            record = run.record(folder)
            replace(record, seeds=replace(record.seeds, everything=None)).save(folder.path)
    blocks = sections(found())["learning-curves"]
    table = next(each for each in blocks if isinstance(each, PageTable) and each.title.startswith("Learning curves"))
    assert [row[0].text for row in table.rows] == ["SchNet"]
    (note,) = table.notes
    assert "No exponent for PaiNN: no training is known to be of the same draw at all sizes" in note
    assert "every training that is known at all sizes, by its seeds" in text(blocks)


def test_one_draw_of_frames_is_called_one_training_set(tmp_path: Path, found: Found) -> None:
    for size in (100, 200):
        trainings(tmp_path, 3, train=size, error=20 / size)
    assert "one training set" in text(sections(found())["learning-curves"])


def test_learning_curves_say_with_which_power_of_the_frames_the_time_of_a_training_grows(
    tmp_path: Path, found: Found
) -> None:
    for size in (100, 200, 400):
        # one second of cached features comes on top
        trainings(
            tmp_path, 3, architecture="sGDML", train=size, error=20 / size, draws=True, cpu_time=size**3 / 1e6 - 1
        )
        trainings(tmp_path, 3, architecture="SchNet", train=size, error=10 / size, draws=True, cpu_time=49)
    trainings(tmp_path, 3, architecture="PaiNN", train=400, error=0.1, draws=True, cpu_time=9)
    trainings(tmp_path, 3, architecture="Quick", train=200, error=0.1, draws=True, cpu_time=-1)
    trainings(tmp_path, 3, architecture="Quick", train=400, error=0.1, draws=True, cpu_time=-1)
    blocks = sections(found())["learning-curves"]
    times = next(block for block in blocks if isinstance(block, PageTable) and block.title.startswith("Time of a"))
    rows = {row[0].text: [value.text for value in row[1:]] for row in times.rows}
    assert rows == {"sGDML": ["1.00", "8.00", "64.0", "3.00"], "SchNet": ["50.0", "50.0", "50.0", "0.00"]}
    assert [column.name for column in times.columns[1:4]] == ["100 frames", "200 frames", "400 frames"]


def test_costs_and_laws_are_shown_where_they_were_measured(tmp_path: Path, found: Found) -> None:
    for name, latency in (("SchNet", 4.0), ("PaiNN", 9.0)):
        for seed in range(3):
            run = Simulated(architecture=name, seed=seed, error=latency)
            folder = run.write(tmp_path / f"{name}{seed}")
            measured = Measured(latency, 0.9 * latency, 1.1 * latency, "ms")
            cost = InferenceCost(measured, measured, 64, Quantity(80.0, "MiB"), 100, PROVENANCE)
            laws = (LawFound("rotation", "pass", 1e-6, 1e-3, "eV"), LawFound("torque", "FAIL", 0.5, 1e-3, "eV"))
            replace(run.record(folder), inference=cost, laws=laws).save(folder.path)
    page = sections(found())
    assert "passes 1 of 2" in text(page["laws"])
    assert "torque (5.0e-01 eV, allowed 1e-03)" in text(page["laws"])
    assert "3.60–4.40" in text(page["cost"])
    assert "Inference was measured on Xeon with 1 thread, 100 structures." in text(page["cost"])
    assert "1 of 2" in text(page["results"])
    (figure,) = (block for block in page["cost"] if isinstance(block, PageFigure))
    states = {row[0].text: {value.text for value in row[1:]} for row in figure.data.rows}
    # SchNet is better and cheaper in everything but the number of parameters, which is that of its name
    assert states["SchNet"] == {"front"}
    assert states["PaiNN"] == {"front", "dominated"}


@pytest.mark.parametrize(("threads", "structures"), [(4, 100), (1, 50)])
def test_inference_that_was_not_measured_alike_is_said_to_be_no_comparison(
    tmp_path: Path, found: Found, threads: int, structures: int
) -> None:
    two(tmp_path)
    for name, machine, number in (("SchNet", PROVENANCE.machine, 100), ("PaiNN", None, structures)):
        provenance = replace(PROVENANCE, machine=machine or replace(PROVENANCE.machine, threads=threads))
        measured = Measured(1.0, 0.9, 1.1, "ms")
        cost = InferenceCost(measured, measured, 64, Quantity(80.0, "MiB"), number, provenance)
        run = RunFolder(tmp_path / f"{name}-400-0")
        replace(Record.load(run.path), inference=cost).save(run.path)
    said = text(sections(found())["cost"])
    assert "not measured alike, and cannot be compared: SchNet on Xeon with 1 thread, 100 structures; PaiNN on" in said
    assert f"{threads} thread" in said


def test_what_is_not_known_is_said_once_below_the_table(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    said = text(sections(found())["cost"])
    assert "Not measured: Latency, Inference, Batch and Memory." in said
    assert "Not recorded: CPU time and Preparation." in said


def test_earlier_numbers_stand_beside_these(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    rows = (
        {
            "architecture": "SchNet",
            "dataset": "simulated",
            "metric": "forces_mae",
            "value": "0.8",
            "unit": "kcal/mol/Å",
        },
        {"architecture": "PaiNN", "dataset": "simulated", "metric": "energy_mae", "value": "30", "unit": "meV"},
        {"architecture": "GAP", "dataset": "simulated", "metric": "forces_mae", "value": "1.7", "unit": "kcal/mol/Å"},
    )
    findings = found(original=("A. Author 2024, one training each", rows))
    said = text(sections(findings)["original"])
    assert "A. Author 2024, one training each." in said
    assert all(row["value"] in said for row in rows)
    assert "other unit" in said
    assert said.count("±") == 2


def test_earlier_numbers_stand_beside_nothing_that_is_not_known_to_be_the_same(tmp_path: Path, found: Found) -> None:
    for size in (100, 400):
        trainings(tmp_path, 3, train=size, error=20 * size**-0.5)
    row = {"architecture": "SchNet", "dataset": "simulated", "metric": "forces_mae", "value": "1", "unit": ""}
    rows = (row, {**row, "size": "400"}, {**row, "size": "400", "test_set": "600 K"}, {**row, "size": "100"})
    (table,) = (each for each in sections(found(original=("Theirs", rows)))["original"] if isinstance(each, PageTable))
    here = [column.name for column in table.columns].index("Here")
    assert [bool(shown[here].text) for shown in table.rows] == [False, True, False, True]


def without_forces(folder: Path) -> None:
    data = replace(MANIFEST, name="energies", fingerprint="others", has_forces=False)
    run = Simulated(architecture="AEV", manifest=data).write(folder)
    arrays = dict(np.load(run.predictions))
    predict_anew(run, {name: values for name, values in arrays.items() if "force" not in name})


def test_trainings_on_data_without_the_labels_of_an_error_are_left_out_and_named(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    without_forces(tmp_path / "AEV")
    findings = found(metric="forces_mae")
    assert [table.group.dataset for table in findings.tables] == ["simulated"]
    said = "Not compared are AEV on energies: the test frames lack the labels of a forces MAE."
    assert said in [banner.text for banner in findings.fairness.banners if banner.level == "red"]
    assert "its test frames lack the labels of a forces MAE" in text(sections(findings)["left-out"])
    others = text(sections(findings)["results"]).partition("Other errors: ")[2]
    assert "Energy MAE" in others.partition("Other errors: ")[2]
    assert "AEV" in others.partition("Other errors: ")[2]


def test_searches_are_a_budget_of_their_own(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    search = Search("SchNet", "simulated", "forces_mae", (3.0, 2.0), (2.5, 2.0), 120.0, "lr 0.001")
    findings = found(budget="steps", searches=(search,))
    assert "2 trials" in text(sections(findings)["tuning"])
    check = next(each for each in findings.fairness.checks if "tuning" in each.says)
    assert check.holds is False
    assert check.reason == "trials: PaiNN 0, SchNet 2"


def test_a_search_is_shown_in_what_it_searched_for_and_its_unit(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    search = Search("SchNet", "simulated", "energy_mae", (0.3, 0.2), (0.25, 0.2))
    blocks = sections(found(metric="forces_mae", searches=(search,)))["tuning"]
    (table,) = (block for block in blocks if isinstance(block, PageTable))
    assert table.rows[0][3].text == "0.200 kcal/mol"
    (figure,) = (block for block in blocks if isinstance(block, PageFigure))
    assert figure.title == "Best validation energy MAE against trials: simulated"
    assert figure.figure.axes[0].get_ylabel() == "Validation energy MAE (kcal/mol)"


def test_worst_frames_are_drawn_where_the_store_is_at_hand(
    tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path / "runs", num_test=30, test=70, train=10)
    assert "not at hand" in text(sections(found())["worst"])
    positions = np.random.default_rng(0).normal(size=(100, 6, 3)) * 2
    frames = Frames("CH5", np.array([6, 1, 1, 1, 1, 1]), positions, np.zeros(100), np.zeros((100, 6, 3)))
    store = Store.write(tmp_path / "store", [frames])
    for place in ("worst", "where"):
        monkeypatch.setattr(f"potbench.results.sections.{place}.store_of", lambda _: store)
    page = sections(found())
    (shown,) = (block for block in page["worst"] if isinstance(block, Structures))
    assert len(shown.structures) == 4
    for structure in shown.structures:
        assert [each.name for each in structure.arrows] == ["reference force", "predicted force"]
        lengths = [np.linalg.norm(each.vectors, axis=1) for each in structure.arrows]
        assert [len(each) for each in lengths] == [6, 6]
        assert np.max(lengths) == pytest.approx(1.4, abs=1e-3)
    first = shown.structures[0].xyz.splitlines()
    frame = int(re.search(r"frame (\d+)", first[1])[1])
    assert first[0] == "6"
    assert np.allclose([list(map(float, line.split()[1:])) for line in first[2:]], positions[frame], atol=1e-5)
    names = [block.name for block in page["where"] if isinstance(block, PageFigure)]
    assert names == ["where_energy_1", "where_element_1"]


def test_the_same_runs_give_the_same_files(tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    two(tmp_path / "runs")
    monkeypatch.setattr("potbench.results.report.time.strftime", lambda _: "today")
    # the other figures are as alike, and take a minute
    monkeypatch.setattr("potbench.results.report.SECTIONS", (fair, results, differences, data, repeat))
    pages = [write_report(found(), tmp_path / name) for name in ("one", "two")]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    assert (tmp_path / "one" / "records.csv").read_bytes() == (tmp_path / "two" / "records.csv").read_bytes()
    assert found().answer in (tmp_path / "one" / "report.md").read_text().replace("\\", "")


@pytest.fixture(scope="module")
def five_hundred(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """500 runs: 10 architectures on 10 datasets of 1000 test frames, 5 trainings each."""
    folder = tmp_path_factory.mktemp("many")
    for architecture, seed in product(range(10), range(5)):
        name = "ABCDEFGHIJ"[architecture]
        run = Simulated(architecture=name, error=1 + 0.1 * architecture, seed=seed, num_test=1000)
        first = run.write(folder / f"0-{name}-{seed}")
        for place in range(1, 10):
            other = RunFolder(shutil.copytree(first.path, folder / f"{place}-{name}-{seed}"))
            manifest = replace(MANIFEST, options={"molecule": f"molecule {place}"}, fingerprint=f"data {place}")
            replace(run.record(other), data=manifest).save(other.path)
    return folder


@pytest.mark.slow
def test_five_hundred_records_are_compared_in_seconds_and_figures_are_bounded(
    five_hundred: Path, tmp_path: Path
) -> None:
    before = time.process_time()
    members, absent = members_of(find_runs([five_hundred]))
    findings = find(members, absent, Asked("Many"))
    write_records(findings, tmp_path)
    assert time.process_time() - before < 10
    assert len(findings.main) == 10
    assert not absent
    arrays = sum(row.errors.errors.nbytes for table in findings.tables for row in table.rows.values())
    assert arrays == 500 * 1000 * 8
    page = page_of(findings, "today")
    figures = [block for section in page.sections for block in section.blocks if isinstance(block, PageFigure)]
    assert len(figures) <= 16


@pytest.mark.slow
def test_a_report_of_five_hundred_records_takes_less_than_20_seconds_and_a_gigabyte(
    five_hundred: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "potbench", "report", str(five_hundred), "--output", str(tmp_path)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime < 20
    assert used.ru_maxrss < 1_000_000
    assert (tmp_path / "report.html").stat().st_size < 4_000_000


def test_citations_and_commands_are_there_to_copy(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    said = text(sections(found())["repeat"])
    assert "doi = {10.1000/simulated}" in said
    assert "python -m potbench fit" in said
    other = Provenance({"torch": "9"}, Machine("Linux", "Other", 2, 1, None), "4c36")
    run = Simulated(seed=5)
    folder = run.write(tmp_path / "other")
    replace(run.record(folder), provenance=other).save(folder.path)
    findings = found()
    assert "Other" in text(sections(findings)["repeat"])
    assert next(each for each in findings.fairness.checks if "machine" in each.says).holds is False


def test_an_architecture_without_forces_is_not_said_to_have_their_direction(tmp_path: Path, found: Found) -> None:
    two(tmp_path)
    for run in trainings(tmp_path, 3, architecture="Composition", error=3.0):
        with np.load(run.predictions) as arrays:
            changed = {name: arrays[name] for name in arrays}
        changed["predicted_forces"] = np.zeros_like(changed["forces"])
        changed["force_absolute_error"], changed["force_squared_error"] = force_errors(changed)
        predict_anew(run, changed)
    (table,) = (each for each in sections(found())["parity"] if isinstance(each, PageTable) and "vectors" in each.title)
    assert table.columns[-1].name == "Mean angle of forces"
    shown = {row[0].text: row[-1] for row in table.rows}
    assert shown["Composition"].number is None
    assert shown["Composition"].text == "none"
    assert "predicted without a direction" in shown["Composition"].note
    assert shown["SchNet"].number > 0
    assert shown["SchNet"].note == ""
