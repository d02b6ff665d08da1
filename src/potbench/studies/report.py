"""The report of a study: its page and records.csv, from records and predictions alone."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np

from potbench.errors import RecordError
from potbench.results.findings import find
from potbench.results.member import Asked, Search
from potbench.results.report import write_report
from potbench.results.summary import show
from potbench.studies.cells import Plan, Searched
from potbench.studies.earlier_numbers import read_numbers
from potbench.studies.folder import StudyFolder
from potbench.studies.members import members_of_study
from potbench.studies.searches.expected_best import best_so_far, expected_best
from potbench.studies.searches.trials import State
from potbench.studies.study import Study


def write_study_report(folder: StudyFolder, study: Study, command: str, plan: Plan | None = None) -> Path:
    """Write the report of a study, as far as it has come, and print its answer; an earlier one is replaced.

    Args:
        folder: of the study.
        study: what was asked.
        command: that makes the study, and the page, again.
        plan: of this study; by default the stored one, which may be of a file that has changed since.

    Returns:
        The page.

    Raises:
        RunError: the study was not planned, or has no cells of its reference.
        DataFileError: the numbers of the original study cannot be read.
        RecordError: the plan, or the table of a search, is damaged.
    """
    plan = plan or folder.load_plan()
    plan.require_reference(study.reference)
    members, absent = members_of_study(folder, plan, study)
    asked = Asked(
        title=study.name.replace("_", " "),
        question=study.question,
        metric=study.metric,
        also=study.also,
        reference=study.reference,
        smallest_difference=study.smallest_difference,
        budget=study.budget.rule,
        original=_original(study),
        searches=_searches(folder, study, plan),
        commands=(command,),
        notes=plan.notes,
    )
    findings = find(members, absent, asked)
    page = write_report(findings, folder.report)
    show(findings, page)
    return page


def _original(study: Study) -> tuple[str, tuple[dict[str, str], ...]] | None:
    """Return text and numbers of the study that this one repeats; None for none."""
    original = study.original
    if original is None:
        return None
    return original.text, () if original.numbers is None else read_numbers(original.numbers)


def _searches(folder: StudyFolder, study: Study, plan: Plan) -> tuple[Search, ...]:
    """Return the searches by which the trainings of the study were tuned."""
    searches = _of_earlier(folder, study) if plan.searches is None else plan.searches
    objective = (study.tuning and study.tuning.objective) or study.metric
    return tuple(_search(folder.path / each.table, each.architecture, each.dataset, objective) for each in searches)


def _of_earlier(folder: StudyFolder, study: Study) -> list[Searched]:
    """Return the searches of a plan that does not say them: those of which there is a table."""
    pairs = list(product(study.architectures, study.datasets)) if study.tuning else []
    earlier = Counter(folder.earlier_trials(*pair) for pair in pairs)
    found = []
    for pair in pairs:
        files = [folder.trials(*pair)]
        # of several pairs with one table, nobody knows whose it is
        files += [file for file in [folder.earlier_trials(*pair)] if earlier[file] == 1]
        file = next((each for each in files if each.is_file()), None)
        if file is not None:
            found.append(Searched(*pair, file.relative_to(folder.path).as_posix()))
    return found


def _search(file: Path, architecture: str, dataset: str, objective: str) -> Search:
    try:
        with file.open(newline="", encoding="utf-8") as stream:
            return _shown_search(list(csv.DictReader(stream)), architecture, dataset, objective)
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise RecordError(
            f"{file} is damaged ({type(error).__name__}: {error}). Expected a row for each trial, as tuning writes it. "
            "Run the whole comparison again: it writes the table anew."
        ) from error


def _shown_search(rows: list[dict[str, str]], architecture: str, dataset: str, objective: str) -> Search:
    if unknown := {row["state"] for row in rows} - set(get_args(State)):
        raise ValueError(f"the state {', '.join(sorted(unknown))} is none of {', '.join(get_args(State))}")
    ended = [row for row in rows if row["state"] != "failed"]
    errors = np.array([float(row["value"]) if row["state"] == "finished" else np.inf for row in ended])
    keys = [name for name in (rows[0] if rows else ()) if name not in COLUMNS]
    chosen = ""
    if np.isfinite(errors).any():
        best = ended[int(np.argmin(errors))]
        chosen = ", ".join(f"{key.rpartition('.')[2]} {_shown(best[key])}" for key in keys)
    return Search(
        architecture,
        dataset,
        objective,
        tuple(best_so_far(errors).tolist()),
        tuple(expected_best(errors).tolist()),
        sum(float(row["seconds"]) for row in rows),
        chosen,
    )


def _shown(value: str) -> str:
    """Return what a search found, for readers: best.yaml has all digits of a number."""
    try:
        number = float(value)
    except ValueError:
        return value
    return value if number.is_integer() else f"{number:.3g}"


COLUMNS = ("number", "state", "value", "seconds", "cpu_seconds")
