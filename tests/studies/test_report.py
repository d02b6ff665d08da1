import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from potbench.errors import DataFileError, RecordError, RunError
from potbench.results.findings import Findings, find
from potbench.studies import read_records, report
from potbench.studies.cells import LeftOut, Plan, Searched
from potbench.studies.folder import StudyFolder
from potbench.studies.report import write_study_report
from potbench.studies.study import Architecture, Original, Tuning
from tests.results.simulated import Simulated
from tests.studies.made_study import made_cell, made_study

COMMAND = "python -m potbench compare 'my studies/made.yaml' --study_dir study"


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    """A study of two architectures, as far as it has come."""
    found = StudyFolder(tmp_path / "study")
    cells = [made_cell(name, number) for name in ("fast", "slower") for number in range(4)]
    left_out = (LeftOut("sgdml sample N=4000", "it solves 4000 frames at most."),)
    found.save_plan(Plan(cells=tuple(cells), left_out=left_out, notes=("Validation frames come on top.",)))
    for cell in cells[:3]:
        Simulated(architecture="Fast", seed=cell.training, error=1.0).write(found.run(cell).path)
    for cell in cells[4:6]:
        Simulated(architecture="Slower", seed=cell.training, error=2.0).write(found.run(cell).path)
    Simulated(architecture="Slower", seed=2, diverged=True).write(found.run(cells[6]).path)
    found.errors.mkdir()
    found.error(cells[7]).write_text("CheckpointError:\n  the file is damaged.")
    Simulated(seed=9).write(found.runs / "fast-sample-t0-00000000")
    return found


@pytest.fixture
def findings(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> Findings:
    """What the report of the study finds; nothing is drawn."""
    kept: list[Findings] = []

    def keep(found: Findings, _: Path) -> Path:
        kept.append(found)
        return folder.report

    monkeypatch.setattr(report, "write_report", keep)
    study = made_study()
    architectures = {name: Architecture(potential=Path("a.yaml"), training=()) for name in ("fast", "slower")}
    baseline = replace(architectures["slower"], baseline=True)
    write_study_report(folder, replace(study, architectures={**architectures, "slower": baseline}), COMMAND)
    return kept[0]


def test_cells_have_the_names_of_the_study_and_states_of_their_files(findings: Findings) -> None:
    found = {member.label.text: (str(member.outcome), member.reason) for member in findings.members}
    assert found["fast sample training 0"] == ("finished", "")
    assert found["fast sample training 3"] == ("missing", "planned")
    assert found["slower sample training 2"][0] == "diverged"
    assert found["slower sample training 3"] == ("failed", "CheckpointError: the file is damaged")
    assert {member.label.architecture for member in findings.members if member.label.baseline} == {"slower"}
    assert findings.asked.question == "Which is faster?"
    assert findings.asked.budget == "steps"
    assert findings.asked.notes == ("Validation frames come on top.",)


def test_nothing_that_is_missing_is_silent(findings: Findings) -> None:
    left_out = {each.label: each.reason for each in findings.absent}
    assert left_out["sgdml sample N=4000"] == "it solves 4000 frames at most"
    assert left_out["fast-sample-t0-00000000"].startswith("the study file has changed")
    assert left_out["fast sample training 3"] == "missing: planned"
    assert left_out["slower sample training 3"] == "failed: CheckpointError: the file is damaged"
    row = findings.main[0].rows["slower"]
    assert (len(row.finished), len(row.lost), row.missing) == (2, 1, 1)


def test_a_cell_whose_predictions_are_gone_is_missing_with_what_writes_them(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.run(made_cell("fast", 0)).predictions.unlink()
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    absent = {each.label: each.reason for each in write_study_report(folder, made_study(), COMMAND).absent}
    assert absent["fast sample training 0"] == "missing: it has no predictions.npz; test writes it again"


def test_a_cell_whose_config_is_damaged_is_left_out(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.run(made_cell("fast", 0)).config.write_text("")
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    found = write_study_report(folder, made_study(), COMMAND)
    absent = {each.label: each.reason for each in found.absent}
    assert absent["fast sample training 0"].startswith("failed: config.yaml is damaged: it has no model.potential")
    assert len(found.main[0].rows["fast"].finished) == 2


def test_a_failure_after_the_test_keeps_the_numbers(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.error(made_cell("fast", 0)).write_text("cost: out of memory")
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    found = write_study_report(folder, made_study(), COMMAND)
    assert len(found.main[0].rows["fast"].finished) == 3
    assert ("fast sample training 0: cost, laws or work", "cost: out of memory", "amber") in found.absent


def test_the_original_study_is_read_and_what_cannot_be_is_refused(
    folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    numbers = tmp_path / "numbers.csv"
    numbers.write_text("architecture,dataset,metric,value,unit\nfast,sample,forces_mae,0.9,kcal/mol/Å\n")
    study = replace(made_study(), original=Original(text="A. Author 2024", numbers=numbers))
    text, rows = write_study_report(folder, study, COMMAND).asked.original
    assert text == "A. Author 2024"
    assert rows[0]["value"] == "0.9"
    numbers.write_text(numbers.read_text(), encoding="utf-8-sig")  # as Excel saves it
    assert write_study_report(folder, study, COMMAND).asked.original[1] == rows
    numbers.write_text(numbers.read_text().replace("unit", "unit,test set").replace("Å", "Å,600 K"))
    assert write_study_report(folder, study, COMMAND).asked.original[1][0]["test_set"] == "600 K"
    numbers.write_text("a,b\n1,2\n")
    with pytest.raises(DataFileError, match="has no column value"):
        write_study_report(folder, study, COMMAND)
    numbers.unlink()
    with pytest.raises(DataFileError, match=r"cannot be read.*Change original.numbers"):
        write_study_report(folder, study, COMMAND)


def test_the_run_of_another_training_is_left_out_with_what_differs(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    cells = [made_cell("fast", number) for number in (0, 1)]
    folder.configs.mkdir(exist_ok=True)
    for cell in cells:
        shutil.copy(folder.run(cell).config, folder.config(cell))
    shutil.rmtree(folder.run(cells[0]).path)
    shutil.copytree(folder.run(cells[1]).path, folder.run(cells[0]).path)
    found = write_study_report(folder, made_study(), COMMAND)
    (reason,) = (each.reason for each in found.absent if each.label == "fast sample training 0")
    assert reason.startswith("failed: its run is that of another training: ")
    assert "is 1 and not 0" in reason


def searched(folder: StudyFolder) -> Path:
    """The table of a search that the plan names; its folder is made."""
    table = folder.trials("fast", "sample").parent / "0a1b2c3d" / "trials.csv"
    table.parent.mkdir(parents=True)
    searches = (Searched("fast", "sample", table.relative_to(folder.path).as_posix()),)
    folder.save_plan(replace(folder.load_plan(), searches=searches))
    return table


def test_a_search_is_shown_with_its_best_and_what_was_found(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    table = searched(folder)
    rows = [("0", "finished", "3.0", "10", "10", "0.1", "64", "torch.nn.ReLU")]
    rows += [("1", "pruned", "9.0", "4", "4", "0.2", "64", "torch.nn.ReLU")]
    rows += [
        ("2", "failed", "", "1", "1", "0.3", "64", "torch.nn.ReLU"),
        ("3", "finished", "2.0", "10", "10", "0.00039845231", "1234567", "torch.nn.SiLU"),
    ]
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows(
            [("number", "state", "value", "seconds", "cpu_seconds", "model.lr", "readout.size", "activation"), *rows]
        )
    (search,) = write_study_report(folder, made_study(), COMMAND).asked.searches
    assert search.objective == "forces_mae"
    assert search.best == (3.0, 3.0, 2.0)
    assert search.expected[-1] == 2.0
    assert search.seconds == 25.0
    assert search.chosen == "lr 0.000398, size 1234567, activation torch.nn.SiLU"
    tuned = replace(made_study(), tuning=Tuning(trials=4, objective="energy_mae"))
    (search,) = write_study_report(folder, tuned, COMMAND).asked.searches
    assert search.objective == "energy_mae"


def test_each_search_has_a_table_of_its_own(folder: StudyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    study = made_study()
    recipe, data = study.architectures["fast"], study.datasets["sample"]
    names = replace(study, architectures={"a": recipe, "a-b": recipe}, datasets={"b-c": data, "c": data})
    tables = [folder.trials(*pair) for pair in (("a", "b-c"), ("a-b", "c"))]
    earlier = folder.earlier_trials("a", "c"), folder.earlier_trials("a", "b-c")
    for number, table in enumerate((*earlier, *tables)):
        table.parent.mkdir(parents=True)
        table.write_text(f"number,state,value,seconds,cpu_seconds,x\n0,finished,{number},1,1,0.1\n")
    earlier_plan = Plan(cells=())
    assert report._searches(folder, names, earlier_plan) == ()  # it tunes nothing
    names = replace(names, tuning=Tuning(trials=1))

    def found_searches(plan: Plan) -> dict[tuple[str, str], tuple[float, ...]]:
        found = report._searches(folder, names, plan)
        return {(search.architecture, search.dataset): search.best for search in found}

    found = found_searches(earlier_plan)
    # what an earlier version has left is read where only one search can have left it
    assert found == {("a", "c"): (0.0,), ("a", "b-c"): (2.0,), ("a-b", "c"): (3.0,)}
    (shown,) = searches = (Searched("a", "c", tables[1].relative_to(folder.path).as_posix()),)
    assert found_searches(Plan(cells=(), searches=searches)) == {("a", "c"): (3.0,)}
    assert found_searches(Plan(cells=(), searches=())) == {}
    for table in tables:
        table.unlink()
    assert found_searches(earlier_plan) == {("a", "c"): (0.0,)}
    with pytest.raises(RecordError, match=f"{shown.table} is damaged .*FileNotFoundError"):
        found_searches(Plan(cells=(), searches=searches))


def test_records_are_read_as_a_table(findings: Findings, folder: StudyFolder) -> None:
    from potbench.results.records_csv import write_records

    folder.report.mkdir()
    write_records(findings, folder.report)
    found = read_records(folder.path)
    assert read_records(folder.report).equals(found)
    test = found[(found.stage == "test") & (found.metric == "forces_mae")]
    assert dict(test.groupby("architecture").value.mean()) == pytest.approx({"fast": 1.0, "slower": 2.0}, rel=0.05)
    assert set(found.state) == {"finished", "diverged", "failed", "missing", "left out"}
    assert found[found.state == "failed"].reason.tolist() == ["CheckpointError: the file is damaged"]
    assert set(found[found.state == "finished"].unit) == {"kcal/mol", "kcal/mol/Å"}
    with pytest.raises(RunError, match=r"holds no records\.csv"):
        read_records(folder.logs)


def test_texts_of_records_are_texts_whatever_they_read(findings: Findings, folder: StudyFolder) -> None:
    from potbench.results.records_csv import write_records

    named = [replace(each, label=each.label._replace(architecture="NA", dataset="null")) for each in findings.members]
    named = [replace(each, identity="1e3") for each in named]
    folder.report.mkdir()
    write_records(replace(findings, members=tuple(named)), folder.report)
    found = read_records(folder.path)
    trained = found[found.state != "left out"]
    assert set(trained.architecture) == {"NA"}
    assert set(trained.dataset) == {"null"}
    assert set(trained.identity) == {"1e3"}
    assert found[found.state == "left out"].value.isna().all()
    assert found[found.state == "finished"].value.notna().all()
    assert found["size"].isna().all()


def test_a_study_that_was_not_planned_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no study"):
        write_study_report(StudyFolder(tmp_path), made_study(), COMMAND)


def test_reading_records_takes_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, potbench.studies; assert 'torch' not in sys.modules and 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_pandas_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"potbench\[pandas\]"):
        read_records(tmp_path)


def test_a_reference_that_is_not_there_is_refused(findings: Findings) -> None:
    with pytest.raises(ValueError, match=r"reference is 'fost'.*did you mean fast"):
        find(findings.members, (), findings.asked._replace(reference="fost"))


def test_the_command_that_makes_the_study_again_is_that_of_the_user(findings: Findings) -> None:
    assert findings.asked.commands == (COMMAND,)


def test_a_reference_without_cells_is_refused_in_terms_of_the_study_file(folder: StudyFolder) -> None:
    study = replace(made_study(), reference="sgdml")
    with pytest.raises(RunError) as caught:
        write_study_report(folder, study, COMMAND)
    assert str(caught.value) == (
        "reference is 'sgdml', of which the study has no cells: it solves 4000 frames at most. Expected one of fast, "
        "slower. Change reference in the study file."
    )


def test_the_page_is_of_the_plan_that_was_run_also_where_another_was_made_meanwhile(
    folder: StudyFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "write_report", lambda found, _: found)
    plan = folder.load_plan()
    folder.save_plan(Plan(cells=plan.cells[:1]))
    assert len(write_study_report(folder, made_study(), COMMAND, plan).members) == 8
    assert len(write_study_report(folder, made_study(), COMMAND).members) == 1


@pytest.mark.parametrize("row", ["0,finished,,1,1,0.1", "0", "0,finished,0.5", "0,finishedd,0.5,1,1,0.1"])
def test_a_damaged_table_of_trials_is_named(folder: StudyFolder, row: str) -> None:
    table = searched(folder)
    table.write_text(f"number,state,value,seconds,cpu_seconds,x\n{row}\n")
    with pytest.raises(
        RecordError, match=r"trials\.csv is damaged .* Run the whole comparison again: it writes the table anew"
    ):
        write_study_report(folder, made_study(), COMMAND)
