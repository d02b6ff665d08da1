"""What an ensemble was made of."""

from __future__ import annotations

from dataclasses import dataclass

from potbench.runs.parent import Parent


@dataclass(frozen=True)
class EnsembleMember:
    """A run that became a member.

    Args:
        run: the folder.
        checkpoint: the file whose weights were taken.
        sha256: of its bytes.
        parent: the run whose weights its training started from; None where they were new, and in early records.
        choices: identity of what its config chose, the same for members that differ by seeds alone; None in early
            records.
    """

    run: str
    checkpoint: str
    sha256: str
    parent: Parent | None = None
    choices: str | None = None


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

    @property
    def parents(self) -> tuple[Parent, ...]:
        """Return where weights that members were trained from come from."""
        return tuple(member.parent for member in self.members if member.parent is not None)
