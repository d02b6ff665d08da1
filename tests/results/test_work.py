from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from potbench.readers.typed_json import to_json
from potbench.reporting.lines import Figure, Line
from potbench.reporting.page.content import PageFigure, PageTable, Section
from potbench.results.report import page_of
from potbench.results.sections import work
from potbench.runs.examined_lines import ExaminedLines
from potbench.runs.findings import Examined
from potbench.runs.record import Record
from tests.results.conftest import Found
from tests.results.simulated import trainings

TIMES = (0.0, 1.0, 2.0)


def examined(drift: float, l1: float | None, mode: str = "fast") -> tuple[Examined, ...]:
    found = [Examined.judged("nve", "drift", "ethanol", drift, 1.0, "meV/atom/ps")]
    found.append(Examined.judged("stability", "share surviving", "ethanol", 1.0, None, "", "", 1.0))
    found.append(
        Examined.refused("distances", "ethanol", "no trajectory")
        if l1 is None
        else Examined.judged("distances", "L1", "ethanol", l1, 0.1 + drift / 100, "")
    )
    return tuple(replace(each, mode=mode) for each in found)


def examine(folder: Path, architecture: str, drifts: list[float], l1: float | None, mode: str = "fast") -> None:
    for run, drift in zip(trainings(folder, len(drifts), architecture=architecture), drifts, strict=True):
        replace(Record.load(run.path), examined=examined(drift, l1, mode)).save(run.path)
        curve = Line("steps of 0.5 fs", TIMES, (0.0, drift, 2 * drift))
        figures = (
            Figure("nve_ethanol", "Energy", "Time (ps)", "Energy (meV)", (curve, curve), "nve", "ethanol"),
            Figure("survival_ethanol", "Whole", "Time (ps)", "Share", (Line("8", TIMES, (1.0, 0.5, None), steps=True),),
                   "stability", "ethanol"),
        )  # fmt: skip
        run.examined_lines.write_text(to_json(ExaminedLines(figures)))


def table_of(section: Section | None) -> tuple[PageTable, dict[str, list[str]]]:
    assert section
    table = section.blocks[0]
    assert isinstance(table, PageTable)
    return table, {row[0].text: [f"{value.text} {value.note}".strip() for value in row[1:]] for row in table.rows}


def test_values_are_means_with_their_spread_limits_and_verdicts(tmp_path: Path, found: Found) -> None:
    examine(tmp_path, "SchNet", [0.2, 0.4, 2.4], 0.05)
    examine(tmp_path, "PaiNN", [0.1], None)
    table, rows = table_of(work.section(found()))
    assert {column.name for column in table.columns[2:]} == {"PaiNN", "SchNet"}
    first = [column.name for column in table.columns].index("SchNet") - 1
    assert rows["nve: drift (meV/atom/ps)"][0] == "≤ 1"
    assert rows["nve: drift (meV/atom/ps)"][first] == "1.00 ± 1.2 passes 2 of 3"
    assert rows["nve: drift (meV/atom/ps)"][3 - first] == "0.100 pass"
    assert rows["stability: share surviving"][0] == "≥ 1"
    assert rows["distances: L1"][0] == "≤ 0.102 to 0.124"
    assert rows["distances: L1"][3 - first] == "does not apply"
    assert any(value.strong for row in table.rows for value in row)


def test_modes_that_differ_are_said(tmp_path: Path, found: Found) -> None:
    examine(tmp_path, "SchNet", [0.2], None)
    examine(tmp_path, "PaiNN", [0.1], None, "standard")
    table, rows = table_of(work.section(found()))
    assert "must not be compared" in " ".join(table.notes)
    assert rows["distances"][1:] == ["does not apply"] * 2


def test_lines_are_drawn_side_by_side_on_the_page(tmp_path: Path, found: Found) -> None:
    examine(tmp_path, "SchNet", [0.2, 0.4], None)
    examine(tmp_path, "PaiNN", [0.1, 0.3], None)
    findings = found()
    section = work.section(findings)
    assert section
    figures = [block for block in section.blocks if isinstance(block, PageFigure)]
    assert [figure.name for figure in figures] == ["work_nve_ethanol", "work_survival_ethanol"]
    energy, survival = (figure.figure for figure in figures)
    assert [len(axes.lines) for axes in energy.axes] == [2, 2]  # one training, both steps
    assert [len(axes.lines) for axes in survival.axes] == [2, 2]  # both trainings
    assert "work" in [each.name for each in page_of(findings, "today").sections]


def test_a_report_without_examinations_has_no_such_section(tmp_path: Path, found: Found) -> None:
    trainings(tmp_path, 1)
    assert work.section(found()) is None


def test_damaged_lines_leave_the_table(tmp_path: Path, found: Found) -> None:
    examine(tmp_path, "SchNet", [0.2], None)
    for file in tmp_path.rglob("examined.json"):
        file.write_text("{")
    section = work.section(found())
    assert section
    assert len(section.blocks) == 1
