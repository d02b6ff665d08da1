"""How the trainings went."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from potbench.errors import RecordError
from potbench.reporting.page.content import Block, PageFigure, Section
from potbench.reporting.training_figure import TrainingShown, draw_trainings
from potbench.results import words
from potbench.results.findings import Findings
from potbench.results.group import Group
from potbench.results.member import Member, Outcome
from potbench.runs.metrics import read_curves

MOST_GROUPS = 1
MOST_CURVES = 120
MOST_POINTS = 200
MOST_NAMED = 6


def section(findings: Findings) -> Section | None:
    """Return the validation errors over the epochs, a line for each training; others are named, and diverged ones."""
    blocks: list[Block] = []
    for place, table in enumerate(findings.main[:MOST_GROUPS]):
        found, lacking = _curves(table.group, findings.metric.name)
        text = findings.metric.text
        if found:
            blocks.append(
                PageFigure(
                    f"trainings_{place + 1}",
                    f"Validation {text} during training: {table.group.title}, {words.plural(len(found), 'training')}",
                    "Every line is a training; the dot is the checkpoint that was tested, a cross is where one "
                    "diverged.",
                    draw_trainings(found, table.unit, "Epoch", f"Validation {text}", findings.marks),
                )
            )
        for reason, labels in lacking.items():
            more = f" and {len(labels) - MOST_NAMED} more" if len(labels) > MOST_NAMED else ""
            blocks.append(f"Without a curve, since {reason}: {', '.join(labels[:MOST_NAMED])}{more}.")
    if len(findings.main) > MOST_GROUPS:
        left = words.plural(len(findings.main) - MOST_GROUPS, "more dataset")
        blocks.append(f"Not shown here: {left}. Each run has its own figure.")
    diverged = [member for member in findings.members if member.outcome is Outcome.DIVERGED]
    for member in diverged:
        known = member.record and member.record.diverged
        said = known.reason if known else member.reason
        blocks.append(f"Diverged: {member.label.text}. {words.title(said)}".rstrip(".") + ".")
    return Section("trainings", "Training curves", tuple(blocks)) if blocks else None


def _curves(group: Group, metric: str) -> tuple[list[TrainingShown], dict[str, list[str]]]:
    """Return the curves, and of the other trainings why they have none: reason → their labels."""
    shown: list[TrainingShown] = []
    lacking: dict[str, list[str]] = defaultdict(list)
    for name, members in group.architectures.items():
        for place, member in enumerate(members):
            curve, reason = _curve(member, metric)
            if place >= MOST_CURVES:  # a page of thousands could not be opened
                reason = f"no more than {MOST_CURVES} trainings of an architecture are drawn"
            if reason:
                lacking[reason].append(member.label.text)
                continue
            epochs, values = np.array(sorted(curve.items())).T
            best = member.known.best_epoch
            kept = _thinned(len(epochs), None if best is None else int(np.searchsorted(epochs, best)))
            tested = None
            if best is not None and best in curve:
                tested = int(np.flatnonzero(epochs[kept] == best)[0])
            shown.append(
                TrainingShown(name, epochs[kept] + 1, values[kept], member.outcome is Outcome.DIVERGED, tested)
            )
    return shown, lacking


def _curve(member: Member, metric: str) -> tuple[dict[int, float], str]:
    """Return epoch → validation error of a training, or why that is no curve; empty where it is one."""
    file = member.folder.metrics
    if not file.is_file():
        return {}, f"there is no {file.name}"
    try:
        curve = read_curves(file).get(f"validation/{metric}", {})
    except (RecordError, OSError) as error:
        return {}, str(error).replace(f"{member.folder.path}/", "").partition(". Expected")[0]
    # what is solved is validated once
    return curve, "" if len(curve) > 1 else f"{file.name} has {words.plural(len(curve), 'validation')}"


def _thinned(number: int, best: int | None) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return which points are drawn: a line has no more than a printed page shows, and its best point."""
    points = np.linspace(0, number - 1, min(number, MOST_POINTS)).round().astype(np.int64)
    return np.unique(points if best is None or best >= number else np.append(points, best))
