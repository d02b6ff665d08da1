"""How the frames of a run were divided, as its record says it."""

from __future__ import annotations

from dataclasses import dataclass

from potbench.data_quality.leakage import Leakage, measure_leakage
from potbench.loading import AtomsDataModule


@dataclass(frozen=True)
class SplitSummary:
    """How the frames were divided.

    Args:
        rule: class and arguments of the split.
        fingerprint: sha256 over the indices of all frames.
        train: training frames.
        validation: validation frames.
        test: test frames.
        leakage: how far test frames are from training frames; None in early records.
    """

    rule: str
    fingerprint: str
    train: int
    validation: int
    test: int
    leakage: Leakage | None = None

    @classmethod
    def of(cls, data: AtomsDataModule, rule: str) -> SplitSummary:
        """Describe a split.

        Args:
            data: has been set up.
            rule: class and arguments of the split.
        """
        indices = data.indices
        return cls(
            rule=rule,
            fingerprint=indices.fingerprint,
            train=len(indices.train),
            validation=len(indices.validation),
            test=len(indices.test),
            leakage=measure_leakage(data.store, indices),
        )
