"""How the trained potentials do at work: in dynamics, along bonds, at minima."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, stdev

from potbench.errors import RecordError
from potbench.reporting.lines import Figure
from potbench.reporting.lines_figure import LinesShown, draw_side_by_side
from potbench.reporting.page.content import Block, Column, PageFigure, PageTable, Section, Value
from potbench.reporting.rounding import three_digits
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.member import Member
from potbench.results.table import Table
from potbench.runs.examined_lines import ExaminedLines, file_name
from potbench.runs.findings import Examined
from potbench.runs.folder import RunFolder

MOST_FIGURES = 8
MOST_LINES = 2
"""Of a training in a figure; more, such as those of every bond, are in the figures of the runs."""
MOST_TRAININGS = 3
"""Of each architecture in a figure, where a training has one line; else there is one training."""


def section(findings: Findings) -> Section | None:
    """Return what examinations found, with its limits, and the figures of the first molecule."""
    blocks: list[Block] = []
    for table in findings.main:
        found = _table(table)
        blocks += [] if found is None else [found]
    if not blocks:
        return None
    blocks += _figures(findings)
    return Section("work", "At work", tuple(blocks))


def _examined(table: Table) -> dict[str, list[tuple[Examined, ...]]]:
    """Return architecture → what was found of each training that was examined."""
    found = {
        name: [member.known.examined for member in row.finished if member.known.examined]
        for name, row in table.rows.items()
    }
    return {name: each for name, each in found.items() if each}


def _table(table: Table) -> PageTable | None:
    examined = _examined(table)
    if not examined:
        return None
    every = [each for trainings in examined.values() for training in trainings for each in training]
    # a protocol that does not apply has no quantity; where it applies to others, it has no line of its own
    kinds = dict.fromkeys((each.protocol, each.quantity) for each in every if each.quantity)
    applied = {protocol for protocol, _ in kinds}
    kinds |= dict.fromkeys((each.protocol, "") for each in every if each.protocol not in applied)
    rows = []
    for protocol, quantity in kinds:
        same = [each for each in every if (each.protocol, each.quantity) == (protocol, quantity)]
        unit = f" ({same[0].unit})" if same[0].unit else ""
        values = [_value(trainings, protocol, quantity) for trainings in examined.values()]
        rows.append((Value(f"{protocol}: {quantity}{unit}" if quantity else protocol), Value(_limits(same)), *values))
    molecules = list(dict.fromkeys(each.molecule for each in every if each.molecule))
    modes = list(dict.fromkeys(each.mode for each in every if each.mode))
    notes = [
        f"Mode {words.listing(modes)}, of {words.listing(molecules)}. Values are means over trainings and molecules, ± "
        "is the standard deviation over trainings. Each verdict counts."
    ]
    if len(modes) > 1:
        notes.append("Modes differ in how long they simulate, so that values of different modes must not be compared.")
    columns = (Column("What"), Column("Limit"), *map(Column, examined))
    return PageTable(f"At work: {table.title}", columns, tuple(rows), tuple(notes))


def _value(trainings: Sequence[Sequence[Examined]], protocol: str, quantity: str) -> Value:
    """Return the value of an architecture: mean and spread over trainings, and how many verdicts are good."""
    of_protocol = [[each for each in training if each.protocol == protocol] for training in trainings]
    same = [[each for each in training if each.quantity == quantity and quantity] for training in of_protocol]
    every = [each for training in same for each in training]
    if not every:
        return Value("does not apply" if any(of_protocol) else "")
    means = [
        fmean(values) for training in same if (values := [each.value for each in training if each.value is not None])
    ]
    text = "not finite"
    if means:
        text = three_digits(fmean(means)) if any(means) else "0"
        text += f" ± {stdev(means):.2g}" if len(set(means)) > 1 else ""
    failed = sum(each.verdict == "FAIL" for each in every)
    judged = sum(each.verdict in {"pass", "FAIL"} for each in every)
    verdict = "" if not judged else f"passes {judged - failed} of {judged}" if judged > 1 else every[0].verdict
    lost = sum(each.value is None for each in every)
    if lost and means:
        verdict += f", {lost} not finite"
    return Value(text, fmean(means) if means else None, bool(failed), verdict)


def _limits(same: Sequence[Examined]) -> str:
    """Return what is allowed; from the lowest limit to the highest, where they follow from the data."""
    allowed = list(dict.fromkeys(each.allowed for each in same if each.allowed))
    if len(allowed) <= 1:
        return "".join(allowed)
    limits = [each.limit for each in same if each.limit is not None]
    return f"≤ {three_digits(min(limits))} to {three_digits(max(limits))}" if limits else ""


def _figures(findings: Findings) -> list[Block]:
    """Return the lines of all architectures side by side, of the first molecule of the first dataset that has some."""
    for table in findings.main:
        shown: dict[str, list[LinesShown]] = defaultdict(list)
        for name, row in table.rows.items():
            for place, member in enumerate(row.finished[:MOST_TRAININGS]):
                for figure in _lines(member):
                    number = sum(not line.reference for line in figure.lines)
                    if number == 1 or (number <= MOST_LINES and place == 0):
                        shown[figure.name].append(LinesShown(name, figure))
        if shown:
            molecule = next(iter(shown.values()))[0].figure.molecule
            chosen = [each for each in shown.values() if each[0].figure.molecule == molecule]
            blocks: list[Block] = [_figure(findings, table, each) for each in chosen[:MOST_FIGURES]]
            return [*blocks, f"Every run has figures of its own, {RunFolder('').examined_figures}, of all protocols."]
    return []


def _lines(member: Member) -> Sequence[Figure]:
    try:
        found = ExaminedLines.load(member.folder)
    except (RecordError, OSError):
        return ()
    return () if found is None else found.figures


def _figure(findings: Findings, table: Table, shown: Sequence[LinesShown]) -> PageFigure:
    figure = shown[0].figure
    lines = figure.lines
    of = [line.label for line in lines if not line.reference]
    says = f"Solid is {of[0]}, dashed {words.listing(of[1:])}." if len(of) > 1 else "A line for each training."
    references = [line.label for line in lines if line.reference]
    says += f" Gray: {words.listing(references)}." if references else ""
    return PageFigure(
        f"work_{file_name(figure).replace('.', '_').replace('-', '_')}",
        f"{figure.title} ({table.group.title})",
        f"{figure.y_label} against {figure.x_label}, a panel for each architecture. {says}",
        draw_side_by_side(shown, findings.marks),
    )
