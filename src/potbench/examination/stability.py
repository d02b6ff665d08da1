"""Dynamics at constant temperature: whether molecules stay whole, and look as in the data."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar, NamedTuple

import numpy as np
from typing_extensions import override

from potbench.errors import UnknownMoleculeError
from potbench.examination import distances
from potbench.examination.protocol import Examination, Figure, Line, Mode, Protocol, Subject
from potbench.examination.subjects import lowest
from potbench.inference.dynamics import Dynamics
from potbench.inference.relax import relax
from potbench.inference.stability import STRETCHED, Stability
from potbench.runs.findings import Examined
from potbench.statistics.survival import share_interval, survival
from potbench.structures import FloatArray

TEMPERATURE = 500.0
"""K, where the data are no trajectory at another."""
STEP, FRICTION = 0.5, 10.0
"""fs, and 1/ps."""
LOOK_EVERY = 10
"""Steps between two looks at whether the molecules are whole."""
FRAME_EVERY = 20
"""Steps between two frames whose distances count."""
BEGINNING = 0.2
"""Part of the time in which the dynamics forget that they started at frames of the data."""
TIMES_FLOOR = 2.0
"""How far distances may be from those of the data, in distances of two samples of one distribution."""
DISTANCES = "distances"
"""Name of what is found of them."""


class _Trajectories(NamedTuple):
    """What became of replicas.

    Attributes:
        ends: shape (replicas,), in ps, when each broke; infinite of those that did not.
        said: what happened to the first that did; empty where none broke.
        shares: of each replica, distributions of distances before it broke, shape (frames, bins).
    """

    ends: FloatArray
    said: str
    shares: list[FloatArray]


class ConstantTemperature(Protocol):
    """Replicas in Langevin dynamics: the share that stays whole, and the distribution of all distances.

    A molecule breaks where a bond differs by more than 0.5 Å from its mean in the data, atoms collide or the
    temperature explodes. Where the data are a trajectory at this temperature, distances are compared with theirs.

    Source: Fu et al., Trans. Mach. Learn. Res. 2023, doi:10.48550/arXiv.2210.07237.
    """

    name: ClassVar[str] = "stability"

    @override
    def evaluations(self, subject: Subject, mode: Mode) -> int:
        return mode.stability_replicas * (_steps(mode) + 1)

    @override
    def at_once(self, mode: Mode) -> int:
        return mode.stability_replicas

    @override
    def examine(self, subject: Subject, mode: Mode) -> Examination:
        found = _move(subject, mode)
        whole = int(np.isinf(found.ends).sum())
        interval = share_interval(whole, len(found.ends))
        note = (
            f"{whole} of {len(found.ends)} replicas stay whole for {mode.stability_time:g} ps at "
            f"{_temperature(subject):g} K; exact 95 % interval {interval.low:.2f} to {interval.high:.2f}. {found.said}"
        )
        share = Examined.judged(
            self.name, "share surviving", subject.name, whole / len(found.ends), None, "", note.strip(), 1.0
        )
        compared = _compared(subject, found)
        return Examination((share, *compared.findings), (_survival_figure(subject, found, mode), *compared.figures))


def _steps(mode: Mode) -> int:
    return max(LOOK_EVERY, round(1000 * mode.stability_time / STEP))


def _temperature(subject: Subject) -> float:
    return TEMPERATURE if subject.temperature is None else subject.temperature


def _starts(subject: Subject, replicas: int) -> FloatArray:
    """Return frames of the data, spread over them, where they are a trajectory; else the minimum near one."""
    frames = subject.frames.positions
    if subject.temperature is not None:
        return frames[np.linspace(0, len(frames) - 1, replicas).round().astype(int)]
    atoms = lowest(subject)
    with suppress(UnknownMoleculeError):  # it starts at the test frame, and breaks from there
        atoms = next(relax(subject.potential, [atoms])).atoms
    return np.repeat(atoms.positions[None], replicas, axis=0)


def _move(subject: Subject, mode: Mode) -> _Trajectories:
    replicas = mode.stability_replicas
    numbers, temperature = subject.frames.atomic_numbers, _temperature(subject)
    starts = _starts(subject, replicas)
    dynamics = Dynamics(subject.potential, numbers, starts, replicas, temperature, STEP, FRICTION, subject.seed)
    stability, start = Stability(dynamics, subject.frames.positions), dynamics.state
    ends, said = np.full(replicas, np.inf), ""
    shares: list[list[FloatArray]] = [[] for _ in range(replicas)]
    steps = _steps(mode)
    while dynamics.steps_done < steps and np.isinf(ends).any():
        dynamics.advance(min(LOOK_EVERY, steps - dynamics.steps_done))
        for failure in stability.failures(dynamics):
            if np.isinf(ends[failure.replica]):
                ends[failure.replica] = dynamics.time
                said = said or f"Replica {failure.replica} {failure.what}, after {dynamics.time:.3g} ps."
            # it moves on from its start, unheeded, where a potential can say something of it
            for now, first in zip(dynamics.state, start, strict=True):
                now[failure.replica] = first[failure.replica]
        if dynamics.steps_done % FRAME_EVERY == 0 and dynamics.steps_done > BEGINNING * steps:
            positions = dynamics.state.positions.cpu().numpy()
            for replica in np.flatnonzero(np.isinf(ends)):
                shares[replica].append(distances.shares(positions[replica][None])[0])
    return _Trajectories(ends, said, [np.array(each) for each in shares])


def _compared(subject: Subject, found: _Trajectories) -> Examination:
    """Compare the distances of dynamics and data."""
    replicas = [each for each in found.shares if len(each)]
    data = subject.frames.positions
    simulated = sum(map(len, replicas))
    refused = ""
    if subject.temperature is None:
        refused = "The data are no trajectory at a known temperature, with which distances could be compared."
    elif len(data) < distances.FEWEST:
        refused = f"The test set has {len(data)} frames of the molecule, {distances.FEWEST} are needed."
    elif len(replicas) < 2 or simulated < distances.FEWEST:
        refused = f"{simulated} frames of {len(replicas)} whole replicas are too few."
    if refused:
        return Examination((Examined.refused(DISTANCES, subject.name, refused),))
    ours, theirs = np.concatenate(replicas), distances.shares(data)
    number = distances.effective_number(ours, [each.mean(axis=0) for each in replicas])
    parts = [part.mean(axis=0) for part in np.array_split(theirs, 10)]
    of_data = distances.effective_number(theirs, parts)
    apart = distances.Difference.between(ours.mean(axis=0), theirs.mean(axis=0))
    floor = distances.floor(theirs, number, of_data, subject.seed)
    note = (
        f"The limit is {TIMES_FLOOR:g} times the distance of two samples of one distribution, of as many independent "
        f"frames: {number:.0f} of the dynamics, {of_data:.0f} of the data."
    )
    findings = tuple(
        Examined.judged(DISTANCES, f"{name} from the data", subject.name, value, TIMES_FLOOR * least, unit, note)
        for name, value, least, unit in (("L1", apart.l1, floor.l1, ""), ("W1", apart.w1, floor.w1, "Å"))
    )
    return Examination(findings, (_distances_figure(subject, ours, theirs),))


def _survival_figure(subject: Subject, found: _Trajectories, mode: Mode) -> Figure:
    curve = survival(found.ends, mode.stability_time)
    lows, highs = (
        tuple(float(value) if np.isfinite(value) else None for value in values) for values in (curve.lows, curve.highs)
    )
    name = f"{len(found.ends)} replicas, {_temperature(subject):g} K"
    line = Line(name, tuple(curve.times.tolist()), tuple(curve.shares.tolist()), steps=True, low=lows, high=highs)
    title = f"Molecules of {subject.name} whose bonds stay within {STRETCHED} Å of their means"
    return Figure(f"survival_{subject.name}", title, "Time (ps)", "Share that is whole", (line,))


def _distances_figure(subject: Subject, ours: FloatArray, theirs: FloatArray) -> Figure:
    shown = np.flatnonzero((ours.any(axis=0)) | theirs.any(axis=0))
    shown = np.arange(max(0, shown[0] - 1), min(distances.BINS, shown[-1] + 2))
    places = tuple(((shown + 0.5) * distances.WIDTH).round(4).tolist())
    lines = [
        Line(label, places, tuple((each.mean(axis=0)[shown] / distances.WIDTH).round(6).tolist()), reference=is_data)
        for label, each, is_data in (("data", theirs, True), ("dynamics", ours, False))
    ]
    title = f"Distances between all atoms of {subject.name} at {_temperature(subject):g} K"
    return Figure(f"distances_{subject.name}", title, "Distance r (Å)", "h(r) (1/Å)", tuple(lines))
