from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typing_extensions import override

from potbench.cli.main import main
from potbench.errors import UnknownMoleculeError
from potbench.examination import examine as examination
from potbench.examination.protocol import MODES, Examination, Figure, Line, Mode, Protocol, Subject
from potbench.runs.examined_lines import ExaminedLines
from potbench.runs.findings import Examined
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record

LINE = Line("energy", (0.0, 1.0, 2.0), (1.0, None, 2.0))


class Quick(Protocol):
    """A protocol that finds what it was told to find."""

    def __init__(self, name: str, value: float | BaseException) -> None:
        self.name = name  # type: ignore[misc]
        self.value = value

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        return 100

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        if isinstance(self.value, BaseException):
            raise self.value
        found = Examined.judged(self.name, "height", subject.name, self.value, 1.0, "Å", "It is high.")
        return Examination((found,), (Figure(f"{self.name} height", "Heights", "Time (ps)", "r (Å)", (LINE,)),))


@pytest.fixture
def protocols(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put quick protocols in the place of the real ones: name → what each finds."""

    def put(**values: float | BaseException) -> None:
        monkeypatch.setattr(examination, "PROTOCOLS", tuple(Quick(name, value) for name, value in values.items()))

    return put


def contents(run: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}


def test_a_trained_potential_is_put_to_work(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the real protocols, as short as they can be."""
    monkeypatch.setitem(MODES, "dev", replace(MODES["dev"], nve_time=0.02, stability_time=0.02))
    status = main(["examine", str(run_copy), "--mode", "dev", "--only", "nve", "stability"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "; about " in printed
    found = Record.load(run_copy).examined
    assert found
    assert {each.protocol for each in found} == {"nve", "stability", "distances"}
    assert {each.mode for each in found} == {"dev"}
    assert status == int(any(each.verdict == "FAIL" for each in found))
    assert all(each.quantity.split()[0] in printed for each in found if each.quantity)
    run = RunFolder(run_copy)
    lines = ExaminedLines.load(run)
    assert lines
    assert {each.protocol for each in lines.figures} == {"nve", "stability"}
    drawn = sorted(file.name for file in run.examined_figures.iterdir())
    assert len(drawn) == 3 * len(lines.figures)
    assert {Path(name).suffix for name in drawn} == {".png", ".svg", ".pdf"}


def test_a_value_beyond_its_limit_is_status_1_and_what_other_protocols_found_stays(
    run_copy: Path, protocols: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    protocols(low=0.5, high=2.0, odd=UnknownMoleculeError("It knows no iron."))
    assert main(["examine", str(run_copy), "--mode", "dev"]) == 1
    printed = capsys.readouterr().out
    assert "high, " in printed
    assert "It is high." in printed
    assert "It knows no iron." in printed
    protocols(low=0.5, high=0.7)
    assert main(["examine", str(run_copy), "--only", "high"]) == 0
    found = {each.protocol: each for each in Record.load(run_copy).examined or ()}
    assert {name: (each.value, each.verdict, each.mode) for name, each in found.items()} == {
        "low": (0.5, "pass", "dev"),
        "high": (0.7, "pass", "fast"),
        "odd": (None, "refused", "dev"),
    }
    lines = ExaminedLines.load(RunFolder(run_copy))
    assert lines
    assert [each.protocol for each in lines.figures] == ["low", "high"]


def test_an_interrupted_examination_leaves_the_run_as_it_was(
    run_copy: Path, protocols: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(run_copy)
    protocols(low=0.5, stopped=KeyboardInterrupt())
    assert main(["examine", str(run_copy)]) == 130
    assert f"stopped. What {run_copy} holds is as it was." in capsys.readouterr().err
    assert contents(run_copy) == before


def test_another_checkpoint_is_examined_without_a_trace(
    run_copy: Path, protocols: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(run_copy)
    protocols(low=0.5)
    assert main(["examine", str(run_copy), "--ckpt_path", "last"]) == 0
    assert "The record is as it was" in capsys.readouterr().out
    assert contents(run_copy) == before


def test_what_repulsion_mends_is_shown_without_a_trace(run_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(run_copy)
    statuses = [main(["examine", str(run_copy), "--mode", "dev", "--only", "dimers", "--repulsion", "true"])]
    assert contents(run_copy) == before
    assert "with repulsion, this is not the potential of the run" in capsys.readouterr().out
    statuses.append(main(["examine", str(run_copy), "--mode", "dev", "--only", "dimers"]))
    falls = [each for each in Record.load(run_copy).examined or () if "fall" in each.quantity]
    assert statuses == [0, 1], falls


def test_protocols_that_are_not_there_are_refused(run_copy: Path, refused: Callable[[list[str]], str]) -> None:
    said = refused(["examine", str(run_copy), "--only", "nwe"])
    assert (
        "There is no protocol 'nwe'. Expected some of relaxation, harmonic, stretch, torsion, dimers, nve, stability"
        in said
    )


def test_damaged_lines_are_said_to_be(
    run_copy: Path, refused: Callable[[list[str]], str], protocols: Callable[..., None]
) -> None:
    protocols(low=0.5)
    run = RunFolder(run_copy)
    run.examined_lines.write_text(json.dumps({"figures": [{}]}))
    assert "examined.json is damaged" in refused(["examine", str(run_copy)])
