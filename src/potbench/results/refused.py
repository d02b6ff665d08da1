"""Why the errors of a training that finished are not compared."""

from __future__ import annotations

import math

import numpy as np

from potbench.loading import SplitIndices
from potbench.reporting.rounding import three_digits
from potbench.results.errors import METRICS, RunErrors
from potbench.results.member import Member
from potbench.runs.predictions_file import ROUNDING
from potbench.units import reported


def why_refused(member: Member, found: RunErrors) -> str:
    """Say why errors are not those of frames that were not seen; empty where they are.

    Args:
        member: a training that finished.
        found: the errors of its predictions.

    Raises:
        RecordError: its split is damaged.
        OSError: its split cannot be read.
    """
    split = SplitIndices.load(member.folder.split) if member.folder.split.is_file() else None
    if split is not None:
        seen = int(np.isin(found.test.frames, np.concatenate([split.train, split.validation])).sum())
        if seen:
            return f"refused: it was trained or validated on {seen:,} of {len(found.test.frames):,} test frames"
    if member.known.seen_before:
        runs = "runs that weights of its members come" if member.known.ensemble else "the run that its weights come"
        return f"refused: {runs} from saw {member.known.seen_before:,} of its test frames"
    if split is not None:
        if split.fingerprint != member.known.split.fingerprint:
            return (
                f"its {member.folder.split.name} is not that of its record, which says {member.known.split.train:,} "
                "training frames and has another fingerprint: which frames it was trained on is not known; restore "
                "the file, or train again"
            )
        if not np.array_equal(np.sort(split.test), found.test.frames):
            return "its predictions are not of the test frames of its split; test writes them anew"
    return _contradiction(member, found)


def _contradiction(member: Member, found: RunErrors) -> str:
    """Say which error of the record is not that of the predictions, as when a test ends between the two; else empty."""
    energy_unit = member.known.data.units.energy
    for name, metric in METRICS.items():
        recorded = member.known.metrics["test"].get(name)
        mean = metric.mean(found, reported(energy_unit)[1])
        if recorded is None or recorded.value is None:
            continue
        if mean is None:
            return f"its predictions are not those of its record: they have no {metric.text}; test writes both anew"
        if not math.isclose(recorded.value, mean, rel_tol=ROUNDING, abs_tol=ROUNDING**2):
            return (
                f"its predictions are not those of its record: their {metric.text} is {three_digits(mean)} and not "
                f"{three_digits(recorded.value)} {metric.unit(energy_unit)}; test writes both anew"
            )
    return ""
