"""What an ensemble was made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EnsembleMember:
    """A run that became a member.

    Args:
        run: the folder.
        checkpoint: the file whose weights were taken.
        sha256: of its bytes.
    """

    run: str
    checkpoint: str
    sha256: str


@dataclass(frozen=True)
class EnsembleOf:
    """What an ensemble was made of.

    Args:
        members: its members.
        energy_factor: by which spreads of energies are multiplied; None where they are not calibrated.
        forces_factor: that of force components.
        calibration: frames that the factors were found on.
        frames_seen: test frames that runs which the weights of members come from were trained or validated on; at
            least, where one of them is gone. None where that is not known, as in early records.
    """

    members: tuple[EnsembleMember, ...]
    energy_factor: float | None
    forces_factor: float | None
    calibration: int
    frames_seen: int | None = None
