"""How the frames of a run were divided, as its record says it."""

from __future__ import annotations

from dataclasses import dataclass, field

from potbench.data_quality.leakage import Leakage, measure_leakage
from potbench.loading import AtomsDataModule
from potbench.loading.unseen_elements import UnseenElements, unseen_elements


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
        calibration: frames set apart for the calibration of uncertainties.
        test_sets: name → frames of each named test set.
        unseen: elements that no training frame has; None in early records.
    """

    rule: str
    fingerprint: str
    train: int
    validation: int
    test: int
    leakage: Leakage | None = None
    calibration: int = 0
    test_sets: dict[str, int] = field(default_factory=dict)
    unseen: UnseenElements | None = None

    @property
    def text(self) -> str:
        """Return how many frames are in each set."""
        parts = [f"{self.train:,} train", f"on top of them {self.validation:,} validate"]
        if self.calibration:
            parts.append(f"{self.calibration:,} are set apart for calibration")
        named = ", ".join(f"{count:,} of {name}" for name, count in self.test_sets.items())
        return f"{', '.join(parts)}; {self.test:,} test{f' ({named})' if named else ''}"

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
            calibration=len(indices.calibration),
            test_sets={name: len(frames) for name, frames in indices.test_sets.items()},
            unseen=unseen_elements(data.store, indices),
        )
