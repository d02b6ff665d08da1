"""How the trainings went."""

from __future__ import annotations

import numpy as np

from potbench.errors import RecordError
from potbench.reporting.page.content import Block, PageFigure, Section
from potbench.reporting.training_figure import TrainingShown, draw_trainings
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.group import Group
from potbench.results.member import Outcome
from potbench.runs.metrics import read_curves

MOST_GROUPS = 1
MOST_CURVES = 120
MOST_POINTS = 200


def section(findings: Findings) -> Section | None:
    """Return the validation errors over the epochs, a line for each training; diverged trainings are named."""
    blocks: list[Block] = []
    for place, table in enumerate(findings.main[:MOST_GROUPS]):
        found = _curves(table.group, findings.metric.name)
        if not found:
            continue
        unit = table.unit
        text = findings.metric.text
        blocks.append(
            PageFigure(
                f"trainings_{place + 1}",
                f"Validation {text} during training: {table.group.title}, {words.plural(len(found), 'training')}",
                "Every line is a training; the dot is the checkpoint that was tested, a cross is where one diverged.",
                draw_trainings(found, unit, "Epoch", f"Validation {text}", findings.marks),
            )
        )
    if len(findings.main) > MOST_GROUPS:
        left = words.plural(len(findings.main) - MOST_GROUPS, "more dataset")
        blocks.append(f"Not shown here: {left}. Each run has its own figure.")
    diverged = [member for member in findings.members if member.outcome is Outcome.DIVERGED]
    for member in diverged:
        known = member.record and member.record.diverged
        said = known.reason if known else member.reason
        blocks.append(f"Diverged: {member.label.text}. {words.title(said)}".rstrip(".") + ".")
    return Section("trainings", "Training curves", tuple(blocks)) if blocks else None


def _curves(group: Group, metric: str) -> list[TrainingShown]:
    shown = []
    for name, members in group.architectures.items():
        for member in members[:MOST_CURVES]:
            try:
                curve = read_curves(member.folder.metrics).get(f"validation/{metric}", {})
            except (RecordError, OSError):
                continue
            if len(curve) < 2:
                continue  # what is solved has no curve
            epochs, values = np.array(sorted(curve.items())).T
            best = member.known.best_epoch
            kept = _thinned(len(epochs), None if best is None else int(np.searchsorted(epochs, best)))
            place = None
            if best is not None and best in curve:
                place = int(np.flatnonzero(epochs[kept] == best)[0])
            shown.append(TrainingShown(name, epochs[kept] + 1, values[kept], member.outcome is Outcome.DIVERGED, place))
    return shown


def _thinned(number: int, best: int | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return which points are drawn: a line has no more than a printed page shows, and its best point."""
    points = np.linspace(0, number - 1, min(number, MOST_POINTS)).round().astype(np.int64)
    return np.unique(points if best is None or best >= number else np.append(points, best))
