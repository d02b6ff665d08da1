"""Molecular dynamics with files: trajectories, a log, and the state from which it resumes."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from ase import Atoms
from filelock import FileLock, Timeout

from potbench.errors import RunError, SettingError, UnknownMoleculeError, UnstableError, require_positive
from potbench.inference.drift import Drift
from potbench.inference.dynamics import Dynamics
from potbench.inference.recording import Recording
from potbench.inference.stability import STRETCHED, Failure, Stability
from potbench.inference.trajectory import Format
from potbench.inference.uncertainty import Uncertainty
from potbench.potentials.ensemble import Ensemble
from potbench.potentials.plausible import require_plausible
from potbench.potentials.potential import Potential
from potbench.structures import FloatArray
from potbench.whole_file import whole_file

LOOK_EVERY = 10
"""Steps between two looks at whether the molecules are whole and energy is conserved."""
SAVE_EVERY = 30.0
"""Seconds between two states that are saved."""
LOCK = "dynamics.lock"


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Args:
        time: how long, in ps.
        temperature: in K.
        step: in fs.
        friction: of the thermostat in 1/ps; None for constant energy.
        replicas: how many molecules move.
        seed: of the random numbers.
        frame_every: time between two frames of the trajectories, in fs, rounded to whole steps.
        format: of the trajectories.
        stop_spread: spread of the force on an atom, in eV/Å, at which it stops; None for never.
    """

    time: float = 1.0
    temperature: float = 300.0
    step: float = 0.5
    friction: float | None = None
    replicas: int = 1
    seed: int = 0
    frame_every: float = 10.0
    format: Format = "traj"
    stop_spread: float | None = None


class Progress(NamedTuple):
    """How a simulation is going.

    Attributes:
        time: simulated so far, in ps.
        temperature: mean over replicas and time, in K.
        drift: of the conserved energy, mean over replicas, in eV per atom and ps.
        fluctuation: of the conserved energy around its drift, mean over replicas, in eV per atom.
        speed: of each replica in ns per day.
        frames: of each trajectory.
        outside: frames with atoms outside of the training set, of all trajectories; None where it is not known.
        stopped: why it stopped before its end, a sentence; empty where it did not.
    """

    time: float
    temperature: float
    drift: float
    fluctuation: float
    speed: float
    frames: int
    outside: int | None
    stopped: str = ""


def simulate(
    potential: Potential, atoms: Atoms, folder: Path, plan: Plan, watch: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Let replicas of a molecule move, and write where; what was begun in the folder is resumed, to the same numbers.

    Args:
        potential: in evaluation mode.
        atoms: where all replicas start.
        folder: what is written: replica_0.traj and so on, log.csv, and state.npz.
        plan: what is simulated; a longer time continues a simulation that has ended.
        watch: called after every few steps.

    Returns:
        How it went.

    Raises:
        UnknownMoleculeError: nothing sensible can be predicted of the molecule, or some of its atoms are held in place.
        UnstableError: a replica breaks or explodes; the frame is the last one of its trajectory.
        RunError: the folder holds another simulation, a damaged one, or one that is running.
        SettingError: it shall stop by a spread, and the potential is no ensemble; or its time is shorter than a step.
    """
    require_positive(Plan, time=plan.time, frame_every=plan.frame_every, stop_spread=plan.stop_spread)
    if plan.stop_spread is not None and not isinstance(potential, Ensemble):
        problem = f"The potential is {type(potential).__name__}, which has no spread"
        raise SettingError(Plan, "stop_spread", plan.stop_spread, "an ensemble of potentials", problem)
    if plan.step > 0 and 1000 * plan.time < plan.step:
        raise SettingError(Plan, "time", plan.time, f"a step of {plan.step:g} fs or more, in ps")
    require_plausible(atoms, "The structure")
    if atoms.constraints:
        kinds = ", ".join(type(constraint).__name__ for constraint in atoms.constraints)
        raise UnknownMoleculeError(
            f"The structure has constraints ({kinds}), and dynamics move all atoms freely. Expected a structure "
            "without constraints. Take them off: atoms.set_constraint()."
        )
    with _alone_in(folder):
        return _Simulation(potential, atoms, folder, plan).run(watch)


class _Simulation:
    def __init__(self, potential: Potential, atoms: Atoms, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        settings = (plan.replicas, plan.temperature, plan.step, plan.friction, plan.seed)
        self.dynamics = Dynamics(potential, atoms.numbers, atoms.positions, *settings, masses=atoms.get_masses())
        self.stability = Stability(self.dynamics)
        self.uncertainty = Uncertainty(self.dynamics, plan.stop_spread, folder)
        self.recording = Recording(folder, plan.format, self.dynamics, potential.trained_on)
        self.drift = Drift(self._conserved())
        self.kelvin = np.zeros(2)  # number of samples, and their sum
        self.steps = round(1000 * plan.time / plan.step)
        self.steps_per_frame = max(1, round(plan.frame_every / plan.step))
        self.settings = _settings(potential, atoms, plan)
        self.state = folder / "state.npz"
        if self.state.exists():
            self._restore()
        else:
            self._require_nothing_there()
            self._save()

    def run(self, watch: Callable[[Progress], None]) -> Progress:
        first, began = self.dynamics.steps_done, time.perf_counter()
        saved = began

        def progress() -> Progress:
            return self._progress(self.dynamics.steps_done - first, time.perf_counter() - began)

        with closing(self.recording):
            self.recording.open()
            if not self.recording.frames:
                self.recording.write()
            stopped = self._look()
            while not stopped and (done := self.dynamics.steps_done) < self.steps:
                ends = [(done // every + 1) * every for every in (LOOK_EVERY, self.steps_per_frame)]
                self.dynamics.advance(min(*ends, self.steps) - done)
                done = self.dynamics.steps_done
                if done % LOOK_EVERY == 0:
                    self.drift.add(self.dynamics.time, self._conserved())
                    self.kelvin += 1, float(self.dynamics.current_temperature.mean())
                    watch(progress())
                if done % self.steps_per_frame == 0:
                    self.recording.write()
                if done % LOOK_EVERY == 0:
                    stopped = self._look()
                if done % self.steps_per_frame == 0 and time.perf_counter() - saved > SAVE_EVERY:
                    self._save()
                    saved = time.perf_counter()
            self._save()
        return progress()._replace(stopped=stopped)

    def _look(self) -> str:
        """Return why to stop; empty for no reason."""
        failures = self.stability.failures(self.dynamics)
        if failures:
            if self.dynamics.steps_done % self.steps_per_frame:
                self.recording.write()
            raise UnstableError(_said(failures, self.dynamics.time, self.folder))
        return self.uncertainty.stops()

    def _conserved(self) -> FloatArray:
        energies: FloatArray = self.dynamics.conserved.cpu().numpy()
        return energies

    def _require_nothing_there(self) -> None:
        found = [path.name for path in self.folder.iterdir() if path.name != LOCK]
        if found:
            raise RunError(
                f"{self.folder} holds {found[0]}, and no simulation that could be resumed. Expected a new folder. "
                "Choose another one."
            )

    def _save(self) -> None:
        own = {
            "settings": np.array(json.dumps(self.settings)),
            "frames": np.array([self.recording.frames, self.recording.outside]),
            "drift": self.drift.sums,
            "kelvin": self.kelvin,
        }
        with whole_file(self.state) as partial, partial.open("wb") as stream:
            np.savez(stream, **own, **self.dynamics.arrays())  # type: ignore[arg-type]  # of numpy's own typing

    def _restore(self) -> None:
        try:
            with np.load(self.state, allow_pickle=False) as file:
                arrays = dict(file)
            settings = json.loads(str(arrays["settings"]))
            # earlier versions did not keep them
            settings.setdefault("masses", Atoms(settings["atoms"]).get_masses().tolist())
            other = [name for name, value in self.settings.items() if settings.get(name) != value]
            if not other:
                self.dynamics.restore(arrays)
                self.recording.frames, self.recording.outside = map(int, arrays["frames"])
                self.drift.sums, self.kelvin = arrays["drift"], arrays["kelvin"]
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, BadZipFile) as error:
            raise RunError(
                f"{self.state} is damaged ({error}). Expected what the dynamics wrote. Delete {self.folder} and start "
                "again."
            ) from error
        if other:
            raise RunError(
                f"{self.folder} holds another simulation, which differs in {', '.join(other)}. Expected a new folder, "
                "or the same simulation, which is then resumed. Choose another folder."
            )

    def _progress(self, steps: int, seconds: float) -> Progress:
        atoms = len(self.dynamics.atomic_numbers)
        return Progress(
            self.dynamics.time,
            float(self.kelvin[1] / max(self.kelvin[0], 1)),
            float(self.drift.slope.mean()) / atoms,
            float(self.drift.fluctuation.mean()) / atoms,
            steps * self.plan.step / 1e6 / max(seconds, 1e-9) * 86400,
            self.recording.frames,
            None if self.recording.trained_on is None else self.recording.outside,
        )


def _settings(potential: Potential, atoms: Atoms, plan: Plan) -> dict[str, Any]:
    """Return what must be the same for numbers to be the same: name → value."""
    weights = hashlib.sha256()
    for name, values in sorted(potential.state_dict().items()):
        weights.update(name.encode() + values.cpu().contiguous().numpy().tobytes())
    # these two end a simulation, and change nothing before
    settings = {name: value for name, value in asdict(plan).items() if name not in {"time", "stop_spread"}}
    return {
        "potential": weights.hexdigest(),
        "atoms": atoms.numbers.tolist(),
        "start": atoms.positions.tolist(),
        "masses": atoms.get_masses().tolist(),
        **settings,
    }


def _said(failures: list[Failure], moment: float, folder: Path) -> str:
    first, *others = failures
    more = f"; so did {len(others)} more" if others else ""
    return (
        f"Replica {first.replica} {first.what}, after {moment:.4g} ps{more}. Expected bonds within {STRETCHED} Å of "
        f"their lengths at the start. The trajectory up to there is in {folder}. Lower the temperature or the step, "
        "or train on more structures like these."
    )


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the folder, which belongs to one process at a time.

    Raises:
        RunError: another process has it.
    """
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise RunError(f"A simulation is running in {folder}. Expected a folder that no other process uses.") from error
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)
        if is_new and not any(folder.iterdir()):  # what was asked for was refused
            folder.rmdir()
