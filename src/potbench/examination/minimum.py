"""Minima of the energy near test frames, where scans and vibrations begin."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from ase import Atoms

from potbench.examination.bonds import bond_changes
from potbench.examination.protocol import Subject
from potbench.inference.relax import Collapsed, Relaxed, relax
from potbench.potentials.molecules import batch_of
from potbench.runs.findings import Examined
from potbench.structures import Frames

FMAX = 0.001
"""eV/Å: largest force at a minimum. At 0.005, what is left makes rotations vibrate at up to 20 cm⁻¹."""
NEARLY = 0.05
"""eV/Å: where scans can begin. Forces that jump, as those of ReLU do, never come below the height of their jumps."""
STEPS = 500
"""Of a search."""
USUAL = 60
"""Steps that a search of a small molecule takes, for plans."""


class Minimum(NamedTuple):
    """Where a search has led.

    Attributes:
        atoms: the molecule there, with its energy; None where forces are above 0.05 eV/Å, the molecule collapsed, or it
            is another by its bonds.
        found: how large the forces are; a minimum has none above 0.001 eV/Å.
    """

    atoms: Atoms | None
    found: Examined


def search(subject: Subject, frame: int, fmax: float, steps: int = STEPS) -> Relaxed | str:
    """Search a minimum from a test frame, once; return why there is none where the molecule collapses on the way.

    Raises:
        UnknownMoleculeError: the potential does not know the molecule at all.
    """
    asked = (frame, fmax, steps)
    if asked not in subject.searched:
        subject.searched[asked] = _searched(subject, *asked)
    return subject.searched[asked]


def _searched(subject: Subject, frame: int, fmax: float, steps: int) -> Relaxed | str:
    frames = subject.frames
    atoms = Atoms(frames.atomic_numbers, frames.positions[frame])
    subject.potential.refuse_unknown(batch_of([atoms]).to(subject.potential.device))
    found = next(relax(subject.potential, [atoms], fmax, steps))
    return found.reason if isinstance(found, Collapsed) else found


def lowest(frames: Frames) -> int:
    """Return which frame has the lowest energy, of those that are labeled."""
    known = np.ones(len(frames.energy), bool) if frames.energy_known is None else frames.energy_known
    return int(np.where(known, frames.energy, np.inf).argmin())


def minimum(subject: Subject, protocol: str) -> Minimum:
    """Search a minimum from the test frame of lowest energy.

    Raises:
        UnknownMoleculeError: the potential does not know the molecule at all.
    """
    frame = lowest(subject.frames)
    relaxed = search(subject, frame, FMAX)
    quantity = "largest force at the minimum"
    if isinstance(relaxed, str):
        return Minimum(None, Examined.judged(protocol, quantity, subject.name, np.nan, FMAX, "eV/Å", relaxed))
    note = f"After {relaxed.steps} steps from the test frame of lowest energy."
    if changes := bond_changes(subject.frames.atomic_numbers, subject.frames.positions[frame], relaxed.atoms.positions):
        note = f"{note.removesuffix('.')} it is another molecule: {changes}."
        return Minimum(None, Examined.judged(protocol, quantity, subject.name, np.nan, FMAX, "eV/Å", note))
    found = Examined.judged(protocol, quantity, subject.name, relaxed.largest_force, FMAX, "eV/Å", note)
    return Minimum(relaxed.atoms if relaxed.largest_force < NEARLY else None, found)
