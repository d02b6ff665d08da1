"""A report: its page, and records.csv beside it."""

from __future__ import annotations

import time
from pathlib import Path

import potbench
from potbench.reporting.page.content import Page
from potbench.reporting.page.write import write_page
from potbench.results.findings import Findings
from potbench.results.records_csv import write_records
from potbench.results.sections import (
    calibration,
    cost,
    data,
    differences,
    fair,
    gap,
    laws,
    learning_curves,
    left_out,
    original,
    parity,
    repeat,
    results,
    trainings,
    tuning,
    where,
    work,
    worst,
)

SECTIONS = (
    *(fair, results, differences, gap, cost, learning_curves, where, parity, worst, trainings),
    *(calibration, laws, work, data, original, tuning, left_out, repeat),
)
"""In the order of the page."""


def page_of(findings: Findings, made: str) -> Page:
    """Return the page; sections without content are left out.

    Args:
        findings: all that is known.
        made: when.
    """
    found = [each.section(findings) for each in SECTIONS]
    return Page(
        findings.asked.title,
        findings.asked.question,
        findings.answer,
        tuple(section for section in found if section is not None),
        findings.fairness.banners,
        (f"Made on {made} by potbench {potbench.__version__} from records and predictions alone.",),
    )


def write_report(findings: Findings, folder: Path) -> Path:
    """Write the page and records.csv; the same findings give the same files, but for the date.

    Args:
        findings: all that is known.
        folder: is made where it is not there.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_records(findings, folder)
    return write_page(page_of(findings, time.strftime("%Y-%m-%d %H:%M")), folder)
