"""Dynamics at constant temperature: whether molecules stay whole, and look as in the data."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, NamedTuple

import numpy as np
from typing_extensions import override

from potbench.examination.distances import BINS, WIDTH, Distances, distributions
from potbench.examination.minimum import lowest, search
from potbench.examination.nve import FMAX
from potbench.examination.protocol import Examination, Figure, Line, Mode, Protocol, Subject
from potbench.inference.dynamics import Dynamics
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
PARTS = 10
"""Of the data, in the order of time, between which their distances vary."""
FEWEST_FRAMES, FEWEST_REPLICAS, FEWEST_INDEPENDENT = 100, 4, 30.0
"""Frames of the data, whole replicas, and independent frames of the dynamics, without which nothing is said of them."""
TIMES_FLOOR = {"L1": 2.0, "W1": 3.0}
"""How far distances may be from those of the data, in distances of two samples of one distribution.

A single slow motion can decide over W1: at 2, a right potential would fail one time in ten; at 3, one in sixty.
"""
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
        spread: FloatArray = frames[np.linspace(0, len(frames) - 1, replicas).round().astype(int)]
        return spread
    frame = lowest(subject.frames)
    relaxed = search(subject, frame, FMAX)
    # from a test frame, where a search leads nowhere, it breaks soon
    start = frames[frame] if isinstance(relaxed, str) else relaxed.atoms.positions
    return np.repeat(start[None], replicas, axis=0)


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
                shares[replica].append(distributions(positions[replica][None])[0])
    return _Trajectories(ends, said, [np.array(each) for each in shares])


def _compared(subject: Subject, found: _Trajectories) -> Examination:
    """Compare the distances of dynamics and data."""
    replicas = [each for each in found.shares if len(each)]
    frames = subject.frames.positions
    refused = ""
    if subject.temperature is None:
        refused = "The data are no trajectory at a known temperature, with which distances could be compared."
    elif len(frames) < FEWEST_FRAMES:
        refused = f"The test set has {len(frames)} frames of the molecule, and {FEWEST_FRAMES} are needed."
    elif len(replicas) < FEWEST_REPLICAS:
        refused = f"{len(replicas)} replicas stay whole for long enough, and {FEWEST_REPLICAS} are needed."
    if refused:
        return Examination((Examined.refused(DISTANCES, subject.name, refused),))
    ours = Distances.of(replicas)
    data = Distances.of(np.array_split(distributions(frames), PARTS))
    if ours.number < FEWEST_INDEPENDENT:
        refused = f"The dynamics count as {ours.number:.1f} independent frames: they are too short to compare."
        return Examination((Examined.refused(DISTANCES, subject.name, refused),))
    apart, floor = ours.apart(data), ours.floor(data)
    findings = []
    for name, value, least, unit in (("L1", apart.l1, floor.l1, ""), ("W1", apart.w1, floor.w1, "Å")):
        note = (
            f"Two samples of one distribution would be {least:.2g} apart, of as many independent frames: "
            f"{ours.number:.0f} of the dynamics, {data.number:.0f} of the data."
        )
        judged = Examined.judged(
            DISTANCES, f"{name} from the data", subject.name, value, TIMES_FLOOR[name] * least, unit, note
        )
        if subject.sampled_by:
            other = f"The trajectory of the data is of {subject.sampled_by}, its labels are not: no potential is right."
            judged = replace(judged, limit=None, verdict="", note=f"{other} {note}")
        findings.append(judged)
    return Examination(tuple(findings), (_distances_figure(subject, ours, data),))


def _survival_figure(subject: Subject, found: _Trajectories, mode: Mode) -> Figure:
    curve = survival(found.ends, mode.stability_time)
    lows, highs = (
        tuple(float(value) if np.isfinite(value) else None for value in values) for values in (curve.lows, curve.highs)
    )
    name = f"{len(found.ends)} replicas, {_temperature(subject):g} K"
    line = Line(name, tuple(curve.times.tolist()), tuple(curve.shares.tolist()), steps=True, low=lows, high=highs)
    title = f"{subject.name}: replicas whose bonds stay within {STRETCHED} Å of their means"
    return Figure("survival", title, "Time (ps)", "Share that is whole", (line,))


def _distances_figure(subject: Subject, ours: Distances, data: Distances) -> Figure:
    shown = np.flatnonzero(ours.shares + data.shares)
    shown = np.arange(max(0, shown[0] - 1), min(BINS, shown[-1] + 2))
    places = tuple(((shown + 0.5) * WIDTH).round(4).tolist())
    lines = [
        Line(label, places, tuple((each.shares[shown] / WIDTH).round(6).tolist()), reference=each is data)
        for label, each in (("data", data), ("dynamics", ours))
    ]
    title = f"{subject.name}: distances between all atoms at {_temperature(subject):g} K"
    return Figure("distances", title, "Distance r (Å)", "h(r) (1/Å)", tuple(lines))
