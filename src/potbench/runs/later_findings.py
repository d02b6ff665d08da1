"""What is found out about a run after its training and tests, and joins its record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from potbench.errors import RecordError, RunError
from potbench.runs.findings import Examined, LawFound
from potbench.runs.folder import RunFolder
from potbench.runs.lock import undisturbed
from potbench.runs.record import InferenceCost, Record


def add_to_record(
    run: RunFolder,
    checkpoint: Path,
    *,
    laws: tuple[LawFound, ...] | None = None,
    inference: InferenceCost | None = None,
    examined: tuple[Examined, ...] | None = None,
) -> str:
    """Add to the record of a run what was found out about the checkpoint that it stands for.

    Args:
        run: the folder.
        checkpoint: whose findings they are.
        laws: how far it is from each physical law.
        inference: what it costs at work.
        examined: how it does in dynamics and along bonds; what other protocols found before stays.

    Returns:
        Why the record is as it was, a sentence; empty where it was completed.
    """
    if checkpoint.resolve() != run.result.resolve():
        return f"The record is as it was: the run stands for {run.result}."
    try:
        with undisturbed(run):
            record = Record.load(run.path)
            record = replace(
                record,
                laws=laws or record.laws,
                inference=inference or record.inference,
                examined=_with_other_protocols(record.examined, examined),
            )
            record.save(run.path)
    except (RunError, RecordError, OSError) as error:
        return f"This could not be recorded: {error}"
    return ""


def _with_other_protocols(
    before: tuple[Examined, ...] | None, found: tuple[Examined, ...] | None
) -> tuple[Examined, ...] | None:
    if not before or not found:
        return found or before
    names = {each.protocol for each in found}
    return (*(each for each in before if each.protocol not in names), *found)
