"""What a protocol of the examination is: what it gets, and what it finds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from potbench.inference.relax import Relaxed
from potbench.potentials.potential import Potential
from potbench.reporting.lines import Figure, Line
from potbench.runs.findings import Examined
from potbench.structures import Frames

__all__ = ["MODES", "Examination", "Figure", "Line", "Mode", "Protocol", "Subject"]


@dataclass(frozen=True)
class Mode:
    """How long an examination is: the same simulated time for all architectures.

    Args:
        name: dev, fast or standard.
        molecules: how many of the test set are examined.
        nve_replicas: which move at constant energy.
        nve_time: how long, in ps.
        stability_replicas: which move at constant temperature.
        stability_time: how long, in ps.
        scan_points: places along a bond, or around one.
        relaxed_frames: test frames that are relaxed.
    """

    name: str
    molecules: int
    nve_replicas: int
    nve_time: float
    stability_replicas: int
    stability_time: float
    scan_points: int
    relaxed_frames: int


MODES = {
    mode.name: mode
    for mode in (
        Mode("dev", 1, 2, 0.1, 2, 0.1, 12, 1),
        Mode("fast", 1, 4, 1.0, 8, 5.0, 36, 4),
        Mode("standard", 10, 4, 2.0, 32, 20.0, 72, 16),
    )
}


@dataclass(frozen=True)
class Subject:
    """A molecule, and the potential that is examined with it.

    Args:
        name: of the molecule.
        potential: in evaluation mode and double precision.
        frames: test frames of the molecule, in their order in the data, labels included.
        temperature: at which the data is a trajectory, in K; None where it is none.
        seed: of random numbers.
        theory: level of theory of the labels; empty where it is not known.
        sampled_by: level of theory of the trajectory, where the labels are of another; empty where they are not.
        searched: frame, largest force and steps → where that search of a minimum has led, for whoever asks next.
    """

    name: str
    potential: Potential
    frames: Frames
    temperature: float | None = None
    seed: int = 0
    theory: str = ""
    sampled_by: str = ""
    searched: dict[tuple[int, float, int], Relaxed | str] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class Examination:
    """What one protocol found with one molecule.

    Args:
        findings: values with their limits and verdicts.
        figures: what they were read from.
    """

    findings: tuple[Examined, ...]
    figures: tuple[Figure, ...] = ()


class Protocol(ABC):
    """A way to examine a potential."""

    name: ClassVar[str]

    @abstractmethod
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        """Return about how many molecules energies and forces are computed for, by which the time is planned."""

    def at_once(self, mode: Mode) -> int:
        """Return how many of these molecules are computed as one batch."""
        return 1

    @abstractmethod
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        """Follow the protocol.

        Raises:
            UnknownMoleculeError: the potential refuses what the protocol asks about.
        """
