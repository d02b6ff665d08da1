"""Dynamics at constant energy: whether the energy is conserved, as far as the step allows."""

from __future__ import annotations

import math
from typing import ClassVar, NamedTuple

import numpy as np
from typing_extensions import override

from potbench.examination.bonds import bond_changes
from potbench.examination.minimum import USUAL, lowest, search
from potbench.examination.protocol import Examination, Figure, Line, Mode, Protocol, Subject
from potbench.inference.drift import Drift
from potbench.inference.dynamics import Dynamics
from potbench.runs.findings import Examined
from potbench.structures import FloatArray
from potbench.units import MEV

TEMPERATURE = 600.0
"""K at the start, at a minimum: about half of it is left when the energy has spread over all vibrations."""
STEPS = (0.5, 0.25)
"""fs."""
MOST_DRIFT = 1.0
"""meV per atom and ps."""
RATIO = (3.0, 5.0)
"""Of the fluctuations when the step is halved: 4 of an integrator of second order, where forces are smooth."""
FMAX = 0.01
"""eV/Å at the minimum."""
MOST_POINTS = 400
"""Of a line in the figure."""


class _Conserved(NamedTuple):
    """What became of the energy: of replicas, in eV.

    Attributes:
        times: shape (samples,), in ps.
        changes: shape (samples, replicas), since the start.
        drift: slopes, shape (replicas,), in eV/ps.
        fluctuation: around them, shape (replicas,).
    """

    times: FloatArray
    changes: FloatArray
    drift: FloatArray
    fluctuation: FloatArray


class ConstantEnergy(Protocol):
    """Replicas that start at a minimum with the velocities of 600 K and move by velocity Verlet, with two steps.

    A drift says that forces are no gradient, or that energies jump. The energy fluctuates by the square of the step:
    by a quarter when the step is halved, where forces are smooth. Neither says how accurate they are.

    Source: Fu et al., Trans. Mach. Learn. Res. 2023, doi:10.48550/arXiv.2210.07237.
    """

    name: ClassVar[str] = "nve"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        steps = sum(round(1000 * mode.nve_time / step) + 1 for step in STEPS)
        return mode.nve_replicas * (steps + USUAL)

    @override
    def at_once(self, mode: Mode) -> int:
        return mode.nve_replicas

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        start, note = _minimum(subject)
        found = [_move(subject, mode, start, step) for step in STEPS]
        atoms = len(subject.frames.atomic_numbers)
        drift, fluctuation, finer = (
            float(values) / atoms / MEV
            for values in (np.abs(found[0].drift).max(), *(each.fluctuation.mean() for each in found))
        )
        moved = f"{mode.nve_replicas} replicas, {mode.nve_time:g} ps, steps of {STEPS[0]} fs"
        findings = (
            Examined.judged(
                self.name,
                "drift",
                subject.name,
                drift,
                MOST_DRIFT,
                "meV/atom/ps",
                f"The largest of {moved}. {note}".strip(),
            ),
            Examined.judged(
                self.name,
                "fluctuation ratio",
                subject.name,
                fluctuation / finer if finer > 0 else math.nan,
                RATIO[1],
                "",
                f"From {fluctuation:.2g} to {finer:.2g} meV/atom at half the step; {moved}. {note}".strip(),
                RATIO[0],
            ),
        )
        return Examination(findings, (_figure(subject, found, atoms),))


def _minimum(subject: Subject) -> tuple[FloatArray, str]:
    """Return positions at a minimum, and what a reader should know of it."""
    frame = lowest(subject.frames)
    relaxed = search(subject, frame, FMAX)
    if isinstance(relaxed, str):
        return subject.frames.positions[frame], f"They start at a test frame, from which no search goes on: {relaxed}"
    changes = bond_changes(subject.frames.atomic_numbers, subject.frames.positions[frame], relaxed.atoms.positions)
    if changes:
        return relaxed.atoms.positions, f"They start at a minimum of another molecule: {changes}."
    if relaxed.converged:
        return relaxed.atoms.positions, ""
    force = f"{relaxed.largest_force:.2g} eV/Å"
    return relaxed.atoms.positions, f"They start where forces are {force}: the search for a minimum went no further."


def _move(subject: Subject, mode: Mode, start: FloatArray, step: float) -> _Conserved:
    numbers = subject.frames.atomic_numbers
    dynamics = Dynamics(
        subject.potential, numbers, start, mode.nve_replicas, TEMPERATURE, step, friction=None, seed=subject.seed
    )
    between = round(STEPS[0] / step)  # samples at the same moments for all steps
    samples = max(2, round(1000 * mode.nve_time / STEPS[0]))
    began = dynamics.conserved.cpu().numpy()
    drift = Drift(began)
    times, changes = np.zeros(samples), np.zeros((samples, mode.nve_replicas))
    for sample in range(samples):
        dynamics.advance(between)
        energy = dynamics.conserved.cpu().numpy()
        drift.add(dynamics.time, energy)
        times[sample], changes[sample] = dynamics.time, energy - began
    return _Conserved(times, changes, drift.slope, drift.fluctuation)


def _figure(subject: Subject, found: list[_Conserved], atoms: int) -> Figure:
    """Draw the replica that drifts most."""
    lines = []
    for step, each in zip(STEPS, found, strict=True):
        worst = int(np.argmax(np.where(np.isfinite(each.drift), np.abs(each.drift), np.inf)))
        shown = np.linspace(0, len(each.times) - 1, min(len(each.times), MOST_POINTS)).round().astype(int)
        changes = each.changes[shown, worst] / atoms / MEV
        finite = [float(change) if np.isfinite(change) else None for change in changes]
        lines.append(Line(f"steps of {step} fs", tuple(each.times[shown].tolist()), tuple(finite)))
    return Figure(
        "nve",
        f"{subject.name}: energy in dynamics at constant energy",
        "Time (ps)",
        "Change of energy (meV/atom)",
        tuple(lines),
    )
