"""records.csv: every error of every training, one in a row, for pandas and spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.whole_file import write_text

if TYPE_CHECKING:  # whoever only reads the table does without torch
    from potbench.results.findings import Findings
    from potbench.results.member import Member

FILE = "records.csv"
COLUMNS = (
    *("run", "architecture", "dataset", "size", "training", "fold", "baseline", "state", "reason"),
    *("stage", "test_set", "metric", "value", "unit"),
    *("seed", "seed_batches", "num_train", "num_validation", "num_test", "epochs", "steps", "frames"),
    *("batch_size", "batches_of_step"),
    *("seconds", "cpu_seconds", "parameters", "test_looks", "warm_start"),
    *("data", "theory", "data_fingerprint", "split_fingerprint", "identity"),
    *("machine", "threads", "torch", "potbench", "commit"),
)


def write_records(findings: Findings, folder: Path) -> Path:
    """Write records.csv; a training without errors has one row, with its state and the reason.

    Args:
        findings: with all trainings.
        folder: of the report.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    reasons = {each.label: each.reason for each in findings.absent}
    known = set()
    for member in findings.members:
        known.add(member.label.text)
        writer.writerows(_rows(member, member.reason or reasons.get(member.label.text, "")))
    for each in findings.absent:
        if each.label not in known:
            writer.writerow({"run": each.label, "state": "left out", "reason": each.reason})
    file = folder / FILE
    write_text(file, stream.getvalue())
    return file


def _rows(member: Member, reason: str) -> Iterator[dict[str, object]]:
    label, record = member.label, member.record
    row: dict[str, object] = {
        **label._asdict(),
        "run": str(member.folder.path),
        "state": str(member.outcome),
        "reason": reason,
        "identity": member.identity,
    }
    if record is None:
        yield row
        return
    from potbench.loading.splits.split import NAMED
    from potbench.results.conditions import batches_of_step

    cost, budget, batches = record.cost, record.budget, batches_of_step(member)
    provenance = record.provenance
    row |= {
        "seed": record.seeds.everything,
        "seed_batches": record.seeds.batches,
        "num_train": record.split.train,
        "num_validation": record.split.validation,
        "num_test": record.split.test,
        "epochs": budget and budget.epochs,
        "steps": budget and budget.steps,
        "frames": budget and budget.frames,
        "batch_size": batches and batches[0],
        "batches_of_step": batches and batches[1],
        "seconds": cost and cost.wall_time.value,
        "cpu_seconds": cost and cost.cpu_time and cost.cpu_time.value,
        "parameters": record.num_parameters,
        "test_looks": record.test_looks,
        "warm_start": bool(record.parents),
        "data": record.data.name,
        "theory": record.data.theory,
        "data_fingerprint": record.data.fingerprint,
        "split_fingerprint": record.split.fingerprint,
        "machine": provenance.machine.accelerator or provenance.machine.processor,
        "threads": provenance.machine.threads,
        "torch": provenance.versions.get("torch"),
        "potbench": provenance.versions.get("potbench"),
        "commit": provenance.git_commit,
    }
    found = False
    for stage, metrics in record.metrics.items():
        test_set = stage.removeprefix(NAMED) if stage.startswith(NAMED) else ""
        for name, quantity in metrics.items():
            found = True
            yield row | {
                "stage": "test" if test_set else stage,
                "test_set": test_set,
                "metric": name,
                "value": quantity.value,
                "unit": quantity.unit,
            }
    if not found:
        yield row
