"""What was evaluated, with what, and under which name its results are stored."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from potbench.loading.manifest import Manifest
from potbench.runs.provenance import Provenance
from potbench.runs.split_summary import SplitSummary
from potbench.runs.spreads import SpreadFound
from potbench.units import Quantity

Stage = Literal["validation", "test"]


@dataclass(frozen=True)
class Evaluation:
    """What was evaluated, and with what.

    Args:
        checkpoint: the file; None for weights that were never trained.
        provenance: of the evaluation.
        sha256: of the checkpoint; None in early records too.
        command: that evaluated; None in early records.
        settings: those that differ from the run's, as text; empty for none.
        data: manifest of the store, if it is not the run's.
        split: how its frames were divided, if not as the run's.
        frames_seen: frames evaluated that the run, or one that its weights come from, was trained or validated on; None
            where that was not asked, or is not known.
        metrics: errors; None where they are those of the run, which are in its metrics.
        test_sets: named test set → errors; empty where they are those of the run.
        spreads: of an ensemble, how well they describe its errors; empty where that is in the record of the run.
    """

    checkpoint: str | None
    provenance: Provenance
    sha256: str | None = None
    command: str | None = None
    settings: str = ""
    data: Manifest | None = None
    split: SplitSummary | None = None
    frames_seen: int | None = None
    metrics: dict[str, Quantity] | None = None
    test_sets: dict[str, dict[str, Quantity]] = field(default_factory=dict)
    spreads: dict[str, SpreadFound] = field(default_factory=dict)

    @property
    def is_of_the_run(self) -> bool:
        """Whether data, split and settings are those of the run; its checkpoint may be another."""
        return not self.settings and self.data is None and self.split is None

    def name(self, stage: Stage) -> str:
        """Return the name of an evaluation that is not that of the run: the same for the same, and no other.

        Args:
            stage: what was evaluated.
        """
        others = [part and part.fingerprint for part in (self.data, self.split)]
        key = hashlib.sha256(json.dumps([self.sha256, self.settings, others]).encode()).hexdigest()[:8]
        checkpoint = Path(self.checkpoint).stem if self.checkpoint else "untrained"
        parts = [stage, *([self.data.name] if self.data else []), checkpoint, key]
        return re.sub(r"[^\w.-]+", "_", "_".join(parts))
