from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.constraints import FixAtoms
from ase.io import read

from potbench.errors import RunError, SettingError, UnknownMoleculeError, UnstableError
from potbench.inference import simulation
from potbench.inference.dynamics import Dynamics
from potbench.inference.simulation import Plan, Progress, simulate
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of
from tests.inference.toy import Springs
from tests.runs.small_checkpoint import small_potential

TRIANGLE = Atoms("OHH", [[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(3) / 2, 0]])
PLAN = Plan(time=0.04, step=0.5, replicas=2, frame_every=4.0, friction=10.0)
KINDS = ("traj", "xyz")


def springs() -> Springs:
    return Springs(["H", "C", "O"])


def killed_at(time: float) -> object:
    """A watch that ends the simulation as a kill would: nothing is saved or tidied up."""

    def watch(progress: Progress) -> None:
        if progress.time >= time - 1e-9:
            raise RuntimeError("killed")

    return watch


def content(folder: Path) -> dict[str, object]:
    """What a simulation has written."""
    found: dict[str, object] = {"log": (folder / "log.csv").read_text()}
    for path in sorted(folder.glob("replica_*")):
        images = read(path, ":")
        found[path.name] = [
            (atoms.positions.tolist(), atoms.get_momenta().tolist(), atoms.get_forces().tolist(), atoms.info)
            for atoms in images
        ]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_trajectories_hold_what_moved(tmp_path: Path, kind: str) -> None:
    found = simulate(
        springs(), TRIANGLE, tmp_path / "md", replace(PLAN, friction=None, format=kind, time=0.005, frame_every=0.5)
    )
    assert found.frames == 11
    assert found.time == pytest.approx(0.005)
    rows = list(csv.DictReader((tmp_path / "md" / "log.csv").open()))
    assert len(rows) == 22
    for replica in range(2):
        images = read(tmp_path / "md" / f"replica_{replica}.{kind}", ":")
        assert [atoms.info["time_fs"] for atoms in images] == pytest.approx(np.arange(0, 5.1, 0.5))
        for atoms, row in zip(images, rows[replica::2], strict=True):
            assert int(row["replica"]) == replica
            assert atoms.get_potential_energy() == pytest.approx(float(row["potential_energy_ev"]), abs=1e-6)
            assert atoms.get_kinetic_energy() == pytest.approx(float(row["kinetic_energy_ev"]), abs=1e-6)
            assert springs().predict(atoms).forces == pytest.approx(atoms.get_forces(), abs=1e-5)
            assert atoms.get_momenta().sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-6)
        # velocities are those that the positions move with
        moved = (images[1].positions - images[0].positions) / (0.5 * units.fs)
        mean = (images[1].get_velocities() + images[0].get_velocities()) / 2
        assert np.abs(moved - mean).max() < 0.05 * np.abs(mean).max()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("save_every", [0.0, 1e9])
def test_what_was_killed_resumes_to_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, save_every: float
) -> None:
    """Whether a state was saved a moment before, or at the start alone."""
    monkeypatch.setattr(simulation, "SAVE_EVERY", save_every)
    plan = replace(PLAN, format=kind)
    whole = simulate(springs(), TRIANGLE, tmp_path / "whole", plan)
    for moment in (0.015, 0.03):
        with pytest.raises(RuntimeError, match="killed"):
            simulate(springs(), TRIANGLE, tmp_path / "killed", plan, killed_at(moment))
    found = simulate(springs(), TRIANGLE, tmp_path / "killed", plan)
    assert content(tmp_path / "killed") == content(tmp_path / "whole")
    assert found._replace(speed=0) == whole._replace(speed=0)


def test_half_a_frame_of_a_killed_process_is_no_harm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "SAVE_EVERY", 0.0)
    for kind in KINDS:
        plan, folder = replace(PLAN, format=kind), tmp_path / kind
        simulate(springs(), TRIANGLE, tmp_path / f"whole_{kind}", plan)
        with pytest.raises(RuntimeError, match="killed"):
            simulate(springs(), TRIANGLE, folder, plan, killed_at(0.03))
        for path in (folder / f"replica_1.{kind}", folder / "log.csv"):
            with path.open("ab") as file:
                file.write(b"3\nProperties=half a fr")
        simulate(springs(), TRIANGLE, folder, plan)
        assert content(folder) == content(tmp_path / f"whole_{kind}")


def test_a_longer_time_goes_on_from_the_end(tmp_path: Path) -> None:
    simulate(springs(), TRIANGLE, tmp_path / "whole", PLAN)
    for time in (0.02, 0.04, 0.04):
        found = simulate(springs(), TRIANGLE, tmp_path / "parts", replace(PLAN, time=time))
    assert found.frames == 11
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    simulate(springs(), TRIANGLE, tmp_path / "md", PLAN)
    before = content(tmp_path / "md")
    with pytest.raises(RunError, match="holds another simulation, which differs in step, seed"):
        simulate(springs(), TRIANGLE, tmp_path / "md", replace(PLAN, step=0.25, seed=1))
    with pytest.raises(RunError, match="differs in start"):
        simulate(springs(), molecule("H2O"), tmp_path / "md", PLAN)
    with pytest.raises(RunError, match="differs in potential"):
        simulate(small_potential(), TRIANGLE, tmp_path / "md", PLAN)
    assert content(tmp_path / "md") == before
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "replica_0.traj").write_text("of someone else")
    with pytest.raises(RunError, match=r"holds replica_0.traj, and no simulation"):
        simulate(springs(), TRIANGLE, tmp_path / "other", PLAN)
    assert (tmp_path / "other" / "replica_0.traj").read_text() == "of someone else"


@pytest.mark.parametrize("name", ["state.npz", "log.csv", "replica_1.xyz"])
def test_damage_is_named(tmp_path: Path, name: str) -> None:
    plan = replace(PLAN, format="xyz")
    simulate(springs(), TRIANGLE, tmp_path, plan)
    (tmp_path / name).write_text("damaged")
    with pytest.raises(RunError, match=f"{name} is damaged"):
        simulate(springs(), TRIANGLE, tmp_path, plan)


def test_one_process_at_a_time_has_a_folder(tmp_path: Path) -> None:
    def again(_: Progress) -> None:
        simulate(springs(), TRIANGLE, tmp_path / "md", PLAN)

    with pytest.raises(RunError, match="A simulation is running in"):
        simulate(springs(), TRIANGLE, tmp_path / "md", PLAN, again)


def test_a_molecule_that_breaks_stops_the_simulation_in_words(tmp_path: Path) -> None:
    plan = replace(PLAN, temperature=40_000, friction=100.0, time=1.0, frame_every=3.0)
    messages = []
    for _ in range(2):  # the same again, not from where it broke
        with pytest.raises(
            UnstableError, match=r"Replica \d (broke|exploded|collapsed): .*, after [\d.]+ ps"
        ) as caught:
            simulate(springs(), TRIANGLE, tmp_path / "md", plan)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    last = read(tmp_path / "md" / "replica_0.traj", "-1")
    assert f"after {last.info['time_fs'] / 1000:.4g} ps" in messages[0]


def test_frames_outside_of_the_training_set_are_counted_and_marked(tmp_path: Path) -> None:
    potential = springs()
    potential.trained_on = TrainedEnvironments.of([batch_of([TRIANGLE] * 4)], [1, 6, 8])
    found = simulate(potential, TRIANGLE, tmp_path / "md", replace(PLAN, temperature=2000))
    assert found.outside is not None
    far = [
        atoms.info["extrapolation"] > 1
        for replica in range(2)
        for atoms in read(tmp_path / "md" / f"replica_{replica}.traj", ":")
    ]
    assert 0 < found.outside == sum(far) < len(far)
    assert simulate(springs(), TRIANGLE, tmp_path / "unknown", PLAN).outside is None


def test_drift_and_temperature_are_those_of_the_log(tmp_path: Path) -> None:
    found = simulate(springs(), TRIANGLE, tmp_path, replace(PLAN, time=0.2, frame_every=5.0))
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))[2:]  # without the start
    kelvin = np.array([float(row["temperature_k"]) for row in rows])
    assert found.temperature == pytest.approx(kelvin.mean(), rel=1e-6)
    conserved = np.array([float(row["conserved_energy_ev"]) for row in rows]).reshape(-1, 2)
    slopes = np.polyfit(np.arange(1, len(conserved) + 1) * 0.005, conserved, 1)[0]
    assert found.drift == pytest.approx(slopes.mean() / 3, rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("settings", [{"time": 0.0}, {"frame_every": 0.0}, {"replicas": 0}])
def test_a_setting_that_cannot_work_is_refused(tmp_path: Path, settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        simulate(springs(), TRIANGLE, tmp_path / "md", replace(PLAN, **settings))


def test_what_cannot_be_predicted_is_refused(tmp_path: Path) -> None:
    periodic = TRIANGLE.copy()
    periodic.pbc = True
    with pytest.raises(UnknownMoleculeError, match="The structure is periodic"):
        simulate(springs(), periodic, tmp_path / "md", PLAN)


@pytest.mark.parametrize("kind", KINDS)
def test_masses_are_those_of_the_structure(tmp_path: Path, kind: str) -> None:
    heavy = TRIANGLE.copy()
    heavy.set_masses([15.999, 2.014, 1.008])
    plan = replace(PLAN, format=kind, time=0.005)
    simulate(springs(), heavy, tmp_path / "heavy", plan)
    last = read(tmp_path / "heavy" / f"replica_0.{kind}", -1)
    assert last.get_masses() == pytest.approx([15.999, 2.014, 1.008])
    rows = list(csv.DictReader((tmp_path / "heavy" / "log.csv").open()))
    first = read(tmp_path / "heavy" / f"replica_0.{kind}", 0)
    assert first.get_kinetic_energy() == pytest.approx(float(rows[0]["kinetic_energy_ev"]), abs=1e-6)
    simulate(springs(), TRIANGLE, tmp_path / "light", plan)
    assert content(tmp_path / "heavy")["log"] != content(tmp_path / "light")["log"]
    with pytest.raises(RunError, match="differs in masses"):
        simulate(springs(), TRIANGLE, tmp_path / "heavy", plan)


def test_a_state_of_an_earlier_version_without_masses_resumes(tmp_path: Path) -> None:
    simulate(springs(), TRIANGLE, tmp_path, replace(PLAN, time=0.02))
    with np.load(tmp_path / "state.npz") as file:
        arrays = dict(file)
    settings = json.loads(str(arrays["settings"]))
    del settings["masses"]
    np.savez(tmp_path / "state.npz", **{**arrays, "settings": np.array(json.dumps(settings))})
    assert simulate(springs(), TRIANGLE, tmp_path, PLAN).frames == 11


def test_constraints_are_refused(tmp_path: Path) -> None:
    held = TRIANGLE.copy()
    held.set_constraint(FixAtoms([0]))
    with pytest.raises(UnknownMoleculeError, match=r"has constraints \(FixAtoms\)"):
        simulate(springs(), held, tmp_path / "md", PLAN)
    assert not (tmp_path / "md").exists()


def test_times_of_long_dynamics_have_all_their_digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dynamics, "time", property(lambda dynamics: 123.4565 + dynamics.steps_done / 2000))
    simulate(springs(), TRIANGLE, tmp_path, replace(PLAN, time=0.004, replicas=1))
    assert [row["time_fs"] for row in csv.DictReader((tmp_path / "log.csv").open())] == ["123456.5", "123460.5"]


def test_a_full_disk_leaves_the_last_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "SAVE_EVERY", 0.0)
    with pytest.raises(RuntimeError, match="killed"):
        simulate(springs(), TRIANGLE, tmp_path, PLAN, killed_at(0.03))
    before = (tmp_path / "state.npz").read_bytes()

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", full)
        with pytest.raises(OSError, match="No space left"):
            simulate(springs(), TRIANGLE, tmp_path, PLAN)
    assert (tmp_path / "state.npz").read_bytes() == before
