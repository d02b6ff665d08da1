"""Test frames that are relaxed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from typing_extensions import override

from potbench.examination.bonds import bonds_of
from potbench.examination.curve import line
from potbench.examination.minimum import USUAL, search
from potbench.examination.protocol import Examination, Figure, Mode, Protocol, Subject
from potbench.inference.relax import Relaxed
from potbench.runs.findings import Examined

FMAX = 0.01
"""eV/Å: largest force on an atom at the end."""
STEPS = 300
"""Within which a search ends."""


class Relaxation(Protocol):
    """Test frames, evenly chosen, relaxed to 0.01 eV/Å within 300 steps of BFGS.

    Each converges, at a lower energy, with the bonds that it had: pairs of atoms nearer than 1.3 times the sum of
    their covalent radii. How far apart the final energies are is reported: conformers differ in them.
    """

    name: ClassVar[str] = "relaxation"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        return USUAL * len(_chosen(subject, mode))

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        frames = _chosen(subject, mode)
        ends = [search(subject, frame, FMAX, STEPS) for frame in frames]
        relaxed = [(frame, end) for frame, end in zip(frames, ends, strict=True) if isinstance(end, Relaxed)]
        converged = [end for _, end in relaxed if end.converged]
        lowered = [end for _, end in relaxed if end.after <= end.before]
        intact = [end for frame, end in relaxed if _same_bonds(subject, frame, end)]
        steps = f"Converged after {_range([end.steps for end in converged])} steps." if converged else ""
        collapsed = next((end for end in ends if isinstance(end, str)), "")
        findings = [
            self._share(subject, "do not converge", converged, ends, collapsed or steps),
            self._share(subject, "end at a higher energy", lowered, ends, ""),
            self._share(subject, "lose or gain bonds", intact, ends, ""),
        ]
        if not converged:
            return Examination(tuple(findings))
        final = np.array([end.after for end in converged])
        note = f"Of {len(final)} converged frames, conformers among them."
        spread = Examined(
            self.name, "spread of relaxed energies", subject.name, float(np.ptp(final)), None, "eV", "", note
        )
        return Examination((*findings, spread), (_figure(subject.name, relaxed, float(final.min())),))

    def _share(
        self, subject: Subject, what: str, good: Sequence[Relaxed], ends: Sequence[object], note: str
    ) -> Examined:
        bad = len(ends) - len(good)
        note = f"{bad} of {len(ends)}. {note}".strip()
        return Examined.judged(self.name, f"share of frames that {what}", subject.name, bad / len(ends), 0, "", note)


def _chosen(subject: Subject, mode: Mode) -> list[int]:
    number = min(mode.relaxed_frames, len(subject.frames.positions))
    return [int(frame) for frame in np.linspace(0, len(subject.frames.positions) - 1, number).round()]


def _same_bonds(subject: Subject, frame: int, end: Relaxed) -> bool:
    before = bonds_of(subject.frames.atomic_numbers, subject.frames.positions[frame])
    return np.array_equal(before, bonds_of(end.atoms.numbers, end.atoms.positions))


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)} to {max(numbers)}" if len(set(numbers)) > 1 else f"{numbers[0]}"


def _figure(molecule: str, relaxed: Sequence[tuple[int, Relaxed]], lowest: float) -> Figure:
    numbers = [frame for frame, _ in relaxed]
    return Figure(
        "relaxation_energy",
        f"{molecule}: test frames, relaxed",
        "test frame",
        "energy above the lowest relaxed one (eV)",
        (
            line("before", numbers, [end.before - lowest for _, end in relaxed]),
            line("relaxed", numbers, [end.after - lowest for _, end in relaxed]),
        ),
    )
