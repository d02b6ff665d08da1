import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from potbench.cli import compare as compare_command
from potbench.cli.main import main
from potbench.cli.study_configs import StudyConfigs
from potbench.errors import DivergedError
from potbench.runs.step_time import StepTime
from potbench.studies import report
from potbench.studies.cells import CellState, Plan, Searched
from potbench.studies.folder import StudyFolder
from potbench.studies.planning import timing
from potbench.studies.running import launch
from potbench.studies.running.launch import StudyResult
from potbench.studies.searches import tune_study
from potbench.studies.study import Study
from tests.studies.made_study import made_study
from tests.studies.small_study import small, write_small

ONE = {
    "architectures__ani": ...,
    "reference": None,
    "sizes": [32],
    "trainings__number": 1,
    "examine": {"cost": False, "laws": False},
}


def _write_page(folder: StudyFolder, study: Study, command: str, plan: Plan | None) -> Path:
    folder.report.mkdir(exist_ok=True)
    page = folder.report / "report.html"
    page.write_text(f"{study.question} {study.budget.value:g} {command}")
    print(page)
    return page


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a study of one cell, which was trained and tested."""
    folder = tmp_path_factory.mktemp("compared")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POTBENCH_DATA", str(folder / "prepared"))
        patch.setattr(report, "write_study_report", _write_page)
        study = write_small(folder, **ONE)
        assert main(["compare", str(study), "--study_dir", str(folder / "study")]) == 0
    return folder


@pytest.fixture
def compare(compared: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run compare on that study, with changes; give what it prints."""
    monkeypatch.setenv("POTBENCH_DATA", str(compared / "prepared"))
    monkeypatch.setattr(report, "write_study_report", _write_page)
    monkeypatch.setattr(timing, "_measure", lambda *arguments: StepTime(0.5, 1.0, 10.0, 3_000_000))

    def run(*flags: str, **changes: Any) -> str:
        study = write_small(compared, **{**ONE, **changes})
        assert main(["compare", str(study), "--study_dir", str(compared / "study"), *flags]) == 0
        return " ".join(capsys.readouterr().out.split())

    return run


def test_a_cell_is_an_ordinary_run_by_the_plan(compared: Path) -> None:
    folder = StudyFolder(compared / "study")
    [cell] = folder.load_plan().cells
    run = folder.run(cell)
    record = json.loads(run.record.read_text())
    assert record["budget"] == {"epochs": 2, "steps": cell.steps, "frames": 64}
    assert record["seeds"] == {"everything": 7, "batches": 7}
    assert (record["split"]["train"], record["split"]["validation"]) == (cell.num_train, cell.num_validation)
    assert record["metrics"]["test"]["forces_mae"]["value"] > 0
    with run.metrics.open() as stream:
        assert [row["step"] for row in csv.DictReader(stream) if row["validation/loss"]] == ["1", "3"]
    assert (compared / "study" / "report" / "report.html").is_file()
    assert folder.study.read_text() == (compared / "small.yaml").read_text()


def test_a_study_that_is_done_trains_nothing(compared: Path, compare: Callable[..., str]) -> None:
    files = {file: file.stat().st_mtime_ns for file in (compared / "study" / "runs").rglob("*") if file.is_file()}
    assert "1 of 1 cells done" in compare()
    assert {
        file: file.stat().st_mtime_ns for file in (compared / "study" / "runs").rglob("*") if file.is_file()
    } == files


def test_the_status_is_read_from_files_alone(compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("potbench.studies.planning.make_plan.make_plan", None)
    said = compare("--status")
    assert "pairwise sample 32 4 – 1 finished" in said
    assert said.endswith("1 of 1 cells done.")


def test_settings_in_the_environment_do_not_make_other_cells_and_are_named(
    compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compare("--dry_run")
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__GRADIENT_CLIP_VAL", "0.5")
    said = compare("--dry_run")
    assert "Not used, since the file alone says how its trainings are: POTBENCH_FIT__TRAINER__GRADIENT_CLIP_" in said
    assert "1 of 1 cells done." in said
    assert "do not belong" not in said


def test_a_dry_run_says_what_is_new_and_what_it_takes(compare: Callable[..., str]) -> None:
    said = compare("--dry_run", trainings__number=3, budget__value=4, examine={"cost": False, "laws": False})
    assert "pairwise sample 32 4 4 1 finished, 2 planned" in said
    # of each two processes of 10 s, and what the finished one took to train
    assert "About 0:00:4" in said
    assert "1 at once with 1 thread each" in said
    assert "1 of 3 cells done." in said
    only = compare("--dry_run", "--only", "training 2", trainings__number=3)
    assert "1 planned" in only
    assert "0 of 1 cells done." in only
    compare("--dry_run")


def test_a_dry_run_times_steps_of_what_is_left_to_train_alone(
    compared: Path, compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[str] = []
    monkeypatch.setattr(timing, "_measure", lambda *given: timed.append(given[-1]) or StepTime(0.5, 1.0, 10.0, 9))
    two = {"architectures__ani": small(compared)["architectures"]["ani"]}
    compare("--dry_run")
    compare("--dry_run", "--only", "pairwise", **two)
    assert timed == []
    compare("--dry_run", **two)
    assert [label.split()[0] for label in timed] == ["ani"]
    compare("--dry_run")


def test_a_dry_run_goes_on_where_steps_that_are_timed_diverge(
    compared: Path, compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def diverge(*given: Any) -> StepTime:
        tried.append(given[-1])
        raise DivergedError(f"{given[-1]} cannot be trained", 0, 7)

    monkeypatch.setattr(timing, "_measure", diverge)
    more = {"architectures__ani": small(compared)["architectures"]["ani"], "trainings__number": 2}
    said = compare("--dry_run", budget__batch_size=4, **more)
    assert [label.split()[0] for label in tried] == ["ani", "pairwise"]  # of two trainings each
    assert all(f"{label} cannot be trained" in said for label in tried)
    assert "0 of 4 cells done." in said
    compare("--dry_run")


def test_what_is_asked_for_and_not_there_changes_nothing_of_the_study(
    compared: Path, compare: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StudyFolder(compared / "study")
    before = folder.plan.read_bytes(), folder.study.read_bytes(), sorted(folder.path.rglob("*"))
    changed = write_small(compared, **{**ONE, "budget__value": 6})
    assert main(["compare", str(changed), "--study_dir", str(folder.path), "--only", "foo"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "No cell of the study has 'foo' in its label. Expected a part of a label such as" in said
    assert (folder.plan.read_bytes(), folder.study.read_bytes(), sorted(folder.path.rglob("*"))) == before
    # and what is shown of files alone is that of the plan
    assert "has changed since it was planned" in compare("--status", budget__value=6)
    assert "has changed" not in compare("--status")


def test_a_study_whose_sizes_are_all_too_large_is_refused_with_the_reason(
    compared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write_small(compared, **{**ONE, "sizes": [100_000], "name": "large"})
    assert main(["compare", str(study), "--study_dir", str(compared / "large"), "--dry_run"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "The study has no cells, since all are left out: There are " in said
    assert not (compared / "large" / "plan.json").exists()


def test_what_no_longer_belongs_is_said_and_left(compared: Path, compare: Callable[..., str]) -> None:
    folder = StudyFolder(compared / "study")
    [cell] = folder.load_plan().cells
    said = compare("--dry_run", budget__value=6)
    assert f"1 of the runs in {folder.runs} do not belong to the study as it is now" in said
    assert cell.name in said
    assert "0 of 1 cells done." in said
    assert folder.run(cell).record.is_file()
    assert "do not belong" not in compare("--dry_run")


def test_a_page_can_be_written_alone(compared: Path, compare: Callable[..., str]) -> None:
    page = compared / "study" / "report" / "report.html"
    page.unlink()
    assert compare("--report") == str(page)
    assert page.is_file()


def test_the_page_is_that_of_the_study_as_it_was_planned_whatever_its_file_says_now(
    compared: Path, compare: Callable[..., str]
) -> None:
    compare()
    page, new = compared / "study" / "report" / "report.html", small(compared)["architectures"]["ani"]
    before = page.read_text()
    changed = {"budget__value": 6, "architectures__newone": new, "reference": "newone"}
    said = compare("--report", **changed)
    file, study = compared / "small.yaml", compared / "study" / "study.yaml"
    assert f"{file} has changed since it was planned, as {study}, which is what is shown; compare plans anew." in said
    assert page.read_text() == before
    assert "has changed" not in compare("--report")


def test_the_page_repeats_the_command_of_the_user(
    compared: Path, compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compare()
    monkeypatch.chdir(compared)
    flags = ["--study_dir", "study", "--allow", "tests", "mine", "--report"]
    assert main(["compare", "small.yaml", *flags]) == 0
    said = (compared / "study" / "report" / "report.html").read_text()
    assert said.endswith("python -m potbench compare small.yaml --study_dir study --allow tests mine")


@pytest.mark.usefixtures("compare")
def test_a_training_that_failed_is_told_by_the_exit_status(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run_study(*arguments: Any) -> StudyResult:
        asked.append(arguments[3:])
        return StudyResult({CellState.FAILED: 1}, ("pairwise",))

    monkeypatch.setattr(launch, "run_study", run_study)
    study = write_small(compared, **ONE)
    flags = ["--study_dir", str(compared / "study"), "--only", "pairwise", "sample", "--retry_failed"]
    assert main(["compare", str(study), *flags]) == 1
    assert asked == [(["pairwise", "sample"], True)]


def test_what_cannot_work_is_refused(
    compared: Path, refused: Callable[[list[str]], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = str(write_small(tmp_path, **ONE))
    assert refused(["compare", study, "--dry_run", "--status"]) == (
        "Of --dry_run, --status and --report more than one is given. Expected one. Remove the others."
    )
    assert "is no study: it has no plan.json" in refused(["compare", study, "--status", "--study_dir", str(tmp_path)])
    many = str(write_small(tmp_path, **ONE, run__at_once=1000))
    assert "run.at_once is 1000 and run.threads is 1: 1000 threads on" in refused(["compare", many])
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    gpu = str(write_small(tmp_path, **ONE, run__accelerator="gpu"))
    assert "run.accelerator is gpu, and torch finds no GPU here." in refused(["compare", gpu])
    assert not (Path("runs") / "studies" / "small").exists()
    assert str(tmp_path / "no.yaml") in refused(["compare", str(tmp_path / "no.yaml")])
    assert "There is no setting" in refused(
        [
            "compare",
            str(write_small(tmp_path, **ONE, set={"model.init_args.los": 1})),
            "--study_dir",
            str(tmp_path / "s"),
        ]
    )


def test_making_the_data_of_a_config_leaves_the_config_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cells are told apart by the text of their configs, in which mappings of classes are mappings."""
    sample = {"class_path": "potbench.datasets.Sample", "init_args": {}}
    several = {"class_path": "potbench.datasets.Several", "init_args": {"datasets": {"small": sample}}}
    config = {"data": {"class_path": "potbench.loading.AtomsDataModule", "init_args": {"dataset": several}}}
    text = json.dumps(config)
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path))
    StudyConfigs(made_study(), Path("study.yaml")).data(config)
    assert json.dumps(config) == text


def test_what_another_command_has_tuned_in_the_meantime_is_planned_as_tuned(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, others = {("a", "sample"): {"x": 1}}, {("b", "sample"): {"x": 2}}
    ended: list[str] = []
    monkeypatch.setattr(tune_study, "untuned", lambda _: [])
    monkeypatch.setattr(tune_study, "require_searches", lambda _: None)
    monkeypatch.setattr(tune_study, "found_so_far", lambda _: others if ended else {})
    monkeypatch.setattr(tune_study, "tune_study", lambda *_: ended.append("mine") or mine)
    planner: Any = SimpleNamespace(study=SimpleNamespace(tuning=True))
    assert compare_command._tuned(planner, ["a"], is_dry=False) == {**mine, **others}


def test_what_another_command_tunes_while_cells_are_trained_is_on_the_page(
    compared: Path, compare: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, ended, run_study = [Searched("b", "sample", "tuning/b/sample/0/trials.csv")], [], launch.run_study

    def run(*arguments: Any) -> StudyResult:
        ended.append("cells")
        return run_study(*arguments)

    monkeypatch.setattr(launch, "run_study", run)
    monkeypatch.setattr(tune_study, "searched", lambda *_: found if ended else [])
    compare("--only", "sample")
    assert StudyFolder(compared / "study").load_plan().searches == tuple(found)


def test_the_run_of_another_training_is_refused_and_shown(
    compared: Path, compare: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = StudyFolder(compared / "study")
    config = folder.run(folder.load_plan().cells[0]).config
    own = config.read_text()
    settings = yaml.safe_load(own)
    config.write_text(yaml.safe_dump({**settings, "seed_everything": 99}))
    try:
        said = "is that of another training"
        assert f"{said}: seed_everything is 99 and not {settings['seed_everything']}." in compare("--status")
        study = write_small(compared, **ONE)
        assert main(["compare", str(study), "--study_dir", str(compared / "study")]) == 2
        assert said in capsys.readouterr().err
    finally:
        config.write_text(own)
