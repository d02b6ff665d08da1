from pathlib import Path

import pytest

from potbench.cli.main import main
from potbench.results.sections import fair, left_out, repeat
from tests.results.simulated import Simulated, trainings


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    trainings(tmp_path / "all", 3, architecture="SchNet", error=1.0, num_test=60)
    trainings(tmp_path / "all", 3, architecture="PaiNN", error=2.0, num_test=60, steps=2000)
    return tmp_path / "all"


@pytest.fixture
def without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of those sections that are written in no time."""
    monkeypatch.setattr("potbench.results.report.SECTIONS", (fair, left_out, repeat))


@pytest.mark.usefixtures("without_figures")
def test_two_runs_are_put_side_by_side(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = (str(runs / f"{name}-400-0") for name in ("SchNet", "PaiNN"))
    assert main(["report", one, two]) == 0
    printed = capsys.readouterr().out
    said = " ".join(printed.split())
    assert said.startswith("It cannot be decided whether SchNet or PaiNN has the smaller forces MAE")
    assert "one training, interval over the frames" in said
    assert "amber: Same number of optimizer steps: no. 2,000 optimizer steps of PaiNN" in said
    page = Path(printed.splitlines()[-1])
    assert page.parent.parent == Path("runs/reports")
    assert page.is_file()
    assert (page.parent / "records.csv").is_file()


@pytest.mark.usefixtures("without_figures")
def test_folders_and_settings_are_taken_in_any_order(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--metric", "energy_mae", "all", "--reference=PaiNN", "--question", "Which?", "--output", "here"]
    assert main(["report", *arguments]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "smallest energy MAE" in said
    assert "Ratio to PaiNN" in said
    text = Path("here/report.md").read_text()
    assert "Which?" in text
    assert "python -m potbench report all --reference PaiNN --metric energy_mae --question 'Which?'" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["all", "--metric", "forces_mea"], "(did you mean forces_mae?). Change --metric."),
        (["all", "--reference", "Schnet"], "(did you mean SchNet?). Change --reference."),
        (["all", "--smallest_difference", "5"], "smallest_difference is 5.0, expected a fraction, from 0 to below 1."),
        (["nowhere"], "nowhere does not exist. Expected the folder of a run, or one with runs in it."),
        (["empty"], "There is no run to report on (empty: it is no run: it has no config.yaml)."),
        ([], "runs"),
    ],
)
def test_what_cannot_be_reported_is_refused(refused, runs: Path, arguments: list[str], said: str) -> None:
    Path("empty").mkdir()
    assert said in refused(["report", *arguments])


@pytest.mark.usefixtures("without_figures")
def test_a_foreign_folder_beside_runs_is_named_on_the_page(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("foreign").mkdir()
    Simulated(seed=8).write(Path("broken")).record.write_text("{")
    assert main(["report", "all/SchNet-400-0", "foreign", "broken", "--output", "here"]) == 0
    text = Path("here/report.md").read_text().replace("\\", "")
    assert "foreign" in text
    assert "it is no run: it has no config.yaml" in text
    assert "record.json is damaged" in text


@pytest.mark.parametrize("flags", [[], ["--metric", "energy_mae"]])
def test_without_runs_it_says_what_is_missing_as_the_help_calls_it(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *flags]) == 2
    assert "potbench: RUN is missing. Expected folders of runs" in " ".join(capsys.readouterr().err.split())
