"""The whole examination: what it will cost, and what all protocols find with all molecules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median

from potbench.batch import Batch
from potbench.errors import SettingError, UnknownMoleculeError
from potbench.examination.dimers import Dimers
from potbench.examination.harmonic import Harmonic
from potbench.examination.nve import ConstantEnergy
from potbench.examination.protocol import Examination, Mode, Protocol, Subject
from potbench.examination.relaxation import Relaxation
from potbench.examination.stability import ConstantTemperature
from potbench.examination.stretch import Stretch
from potbench.examination.torsion import Torsion
from potbench.runs.findings import Examined
from potbench.structures import Frames

PROTOCOLS: tuple[Protocol, ...] = (
    *(Relaxation(), Harmonic(), Stretch(), Torsion(), Dimers()),
    *(ConstantEnergy(), ConstantTemperature()),
)
"""In the order in which they are followed."""
TIMED, FEWEST_CALLS = 0.2, 3
"""Seconds, and calls, for which energies and forces of a batch are timed."""


def chosen(only: Sequence[str]) -> tuple[Protocol, ...]:
    """Return the protocols of these names; all of them where none is named.

    Raises:
        SettingError: there is no such protocol.
    """
    known = {protocol.name: protocol for protocol in PROTOCOLS}
    for name in only:
        if name not in known:
            raise SettingError(
                chosen, "only", list(only), f"some of {', '.join(known)}", f"There is no protocol {name!r}"
            )
    return tuple(protocol for protocol in PROTOCOLS if not only or protocol.name in only)


class Planned:
    """What an examination will take, from the time of a batch of each molecule.

    Args:
        subjects: the molecules.
        protocols: that are followed with each.
        mode: how long they are.

    Attributes:
        seconds: of each molecule and protocol, in this order.
    """

    def __init__(self, subjects: Sequence[Subject], protocols: Sequence[Protocol], mode: Mode) -> None:
        self.seconds: list[list[float]] = []
        self.of_molecule: list[list[float]] = []
        """Seconds for each molecule that energies and forces are computed of."""
        for subject in subjects:
            times: dict[int, float] = {}
            for protocol in protocols:
                size = protocol.at_once(mode)
                if size not in times:
                    times[size] = _seconds(subject, size)
            each = [times[protocol.at_once(mode)] / protocol.at_once(mode) for protocol in protocols]
            self.of_molecule.append(each)
            self.seconds.append(
                [time * protocol.evaluations(subject, mode) for time, protocol in zip(each, protocols, strict=True)]
            )

    @property
    def total(self) -> float:
        """Return the seconds of all together."""
        return sum(map(sum, self.seconds))


def examine(
    subjects: Sequence[Subject],
    protocols: Sequence[Protocol],
    mode: Mode,
    watch: Callable[[str, int], None] = lambda name, molecules: None,
) -> Iterator[Examination]:
    """Follow protocols with molecules; yield what each found.

    Args:
        subjects: the molecules.
        protocols: that are followed with each.
        mode: how long they are.
        watch: called with the name of protocol and molecule, and of how many molecules energies and forces were
            computed since the last call.
    """
    for subject in subjects:
        for protocol in protocols:
            name = f"{protocol.name} of {subject.name}"
            watch(name, 0)
            with _watched(subject, lambda molecules, name=name: watch(name, molecules)):  # type: ignore[misc]
                yield _examination(subject, protocol, mode)


def _examination(subject: Subject, protocol: Protocol, mode: Mode) -> Examination:
    try:
        found = protocol.examine(subject, mode)
    except UnknownMoleculeError as error:
        found = Examination((Examined.refused(protocol.name, subject.name, str(error)),))
    return Examination(
        tuple(replace(each, mode=mode.name) for each in found.findings),
        tuple(
            replace(each, name=f"{each.name}_{subject.name}", protocol=protocol.name, molecule=subject.name)
            for each in found.figures
        ),
    )


@contextmanager
def _watched(subject: Subject, watch: Callable[[int], None]) -> Iterator[None]:
    """Count the molecules that the potential computes."""
    hook = subject.potential.register_forward_hook(
        lambda potential, arguments, output: watch(len(arguments[0].atoms_per_molecule))
    )
    try:
        yield
    finally:
        hook.remove()


def _seconds(subject: Subject, size: int) -> float:
    """Return how long energies and forces of some copies of a molecule take."""
    frames = subject.frames
    positions = frames.positions[[0] * size]
    batch = Batch.from_frames(Frames("", frames.atomic_numbers, positions, frames.energy[[0] * size]))
    batch = batch.to(subject.potential.device)
    batch = batch.with_positions(subject.potential.positions(batch.positions))
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < FEWEST_CALLS or time.perf_counter() - began < TIMED:
        called = time.perf_counter()
        found = subject.potential(batch, forces=True)
        assert found.forces is not None
        found.forces.sum().item()  # the host waits for the device
        times.append(time.perf_counter() - called)
    return median(times[1:])  # the first makes what later ones keep
