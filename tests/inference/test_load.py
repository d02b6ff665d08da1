from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule

import potbench
from potbench.batch import Batch
from potbench.errors import CheckpointError, RunError, SettingError, UnknownMoleculeError
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of
from potbench.runs.trained_on import TrainedOn
from tests.runs.small_checkpoint import save, small_checkpoint, small_potential


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Folder of a run with a best checkpoint, and what it was trained on: water."""
    folder = tmp_path / "run"
    save(small_checkpoint(), folder / "checkpoints" / "best.ckpt")
    (folder / "config.yaml").touch()
    trained_on().save(folder / "trained_on.npz")
    return folder


def trained_on() -> TrainedOn:
    random = np.random.default_rng(0)
    water = [molecule("H2O") for _ in range(50)]
    for atoms in water:
        atoms.positions += random.normal(0, 0.05, (3, 3))
    environments = TrainedEnvironments.of([batch_of(water)], [1, 6, 8])
    return TrainedOn(np.array([[2, 0, 1]]), environments, {"H-H": 1.4, "H-O": 0.9})


def test_importing_potbench_is_light() -> None:
    program = "import sys, potbench\ndir(potbench)\nprint(sorted({'torch', 'ase', 'numpy'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
    times = []
    for _ in range(3):
        program = "import time\nbegan = time.perf_counter()\nimport potbench\nprint(time.perf_counter() - began)"
        times.append(float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout))
    assert min(times) < 0.1


def with_another_carbon(run: Path) -> Path:
    """A checkpoint that differs from the best of a run in a weight of carbon alone."""
    other = small_checkpoint()
    (name, *_) = (name for name in other["state_dict"] if ".readout." in name and ".C." in name)
    other["state_dict"][name] += 1.0
    return save(other, run / "checkpoints" / "other.ckpt")


def test_an_unknown_name_is_none_of_potbench() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'lod'"):
        _ = potbench.lod
    assert {"load", "Calculator"} <= set(dir(potbench))


def test_a_run_and_its_checkpoint_are_the_same_potential(run: Path) -> None:
    for place in (run, str(run), run / "checkpoints" / "best.ckpt"):
        potential = potbench.load(place)
        assert not potential.training
        assert potential.trained_on is not None
        for ours, theirs in zip(potential.state_dict().values(), small_potential().state_dict().values(), strict=True):
            assert torch.equal(ours, theirs)
            assert ours.dtype == theirs.dtype


def test_a_run_without_a_best_checkpoint_is_its_last_one(run: Path) -> None:
    (run / "checkpoints" / "best.ckpt").rename(run / "checkpoints" / "last.ckpt")
    assert potbench.load(run).num_parameters == small_potential().num_parameters


def test_a_checkpoint_outside_of_a_run_knows_no_training_set(tmp_path: Path) -> None:
    assert potbench.load(save(small_checkpoint(), tmp_path / "some.ckpt")).trained_on is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_weights_are_in_the_precision_asked_for_and_offsets_double(run: Path, dtype: torch.dtype) -> None:
    potential = potbench.load(run, dtype=dtype)
    assert {weight.dtype for weight in potential.parameters()} == {dtype}
    assert potential.offset.dtype == torch.float64
    assert potential.predict(molecule("H2O")).forces.dtype == np.float64
    batch = Batch.from_arrays(np.array([8]), np.zeros((1, 3)), np.array([1]), np.zeros(1))
    assert potential(batch.with_positions(potential.positions(batch.positions)), forces=True).forces.dtype == dtype


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": torch.float16}, r"dtype is torch.float16, expected torch.float32 or torch.float64"),
        ({"device": "nowhere"}, "The device nowhere cannot be used here .* Change the argument device of load"),
        ({"device": "mps"}, "The device mps cannot be used here"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(run: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        potbench.load(run, **settings)


def test_repulsion_is_added_to_a_potential_that_was_trained_without(run: Path) -> None:
    plain, repelling = potbench.load(run), potbench.load(run, repulsion=True)
    assert plain.repulsion is None
    for atoms, changes in ((molecule("H2O"), False), (Atoms("OH", [[0, 0, 0], [0, 0, 0.5]]), True)):
        before, after = plain.predict(atoms), repelling.predict(atoms)
        assert (after.energy > before.energy + 1) if changes else (after.energy == before.energy)
    water = molecule("H2O")
    water.calc = potbench.Calculator(run, repulsion=True)
    water.positions *= 0.5
    assert water.get_potential_energy() == pytest.approx(repelling.predict(water).energy)


def test_repulsion_is_added_to_each_member_of_an_ensemble(run: Path) -> None:
    near = Atoms("OH", [[0.0, 0.0, 0.0], [0.0, 0.0, 0.2]])
    several = [run, with_another_carbon(run)]
    alone, ensemble = (potbench.load(each, repulsion=True).predict(near) for each in (run, several))
    assert alone.energy > potbench.load(several).predict(near).energy + 10
    assert ensemble.energy == pytest.approx(alone.energy)
    assert ensemble.forces == pytest.approx(alone.forces, rel=1e-4)


def test_repulsion_is_refused_where_the_distances_of_the_training_set_are_not_known(run: Path) -> None:
    early = TrainedOn.load(run / "trained_on.npz")
    TrainedOn(early.compositions, early.environments).save(run / "trained_on.npz")
    assert potbench.load(run).trained_on is not None
    with pytest.raises(SettingError, match="keeps no shortest distances of its training set"):
        potbench.load(run, repulsion=True)


def test_what_is_no_run_is_refused(tmp_path: Path, run: Path) -> None:
    with pytest.raises(RunError, match="is no run"):
        potbench.load(tmp_path / "nowhere")
    with pytest.raises(CheckpointError, match="does not exist"):
        potbench.load(tmp_path / "none.ckpt")
    (run / "checkpoints" / "best.ckpt").unlink()
    with pytest.raises(RunError, match="does not exist"):
        potbench.load(run)


def test_runs_with_the_same_weights_are_no_ensemble(tmp_path: Path, run: Path) -> None:
    again = save({**small_checkpoint(), "global_step": 8}, tmp_path / "again.ckpt")  # its bytes differ
    with pytest.raises(RunError, match=r"again\.ckpt have the same weights, and no spread"):
        potbench.load([run, again])


def test_a_class_that_is_not_allowed_is_not_built(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    checkpoint["recipe"]["init_args"]["potential"]["class_path"] = "tests.runs.small_checkpoint.small_potential"
    file = save(checkpoint, tmp_path / "foreign.ckpt")
    with pytest.raises(SettingError, match="of a package that is not allowed; nothing of it was run"):
        potbench.load(file)


def test_a_molecule_is_predicted_as_by_the_potential_itself(run: Path) -> None:
    potential, atoms = potbench.load(run), molecule("CH3OH")
    found = potential.predict(atoms)
    expected = small_potential()(
        Batch.from_arrays(atoms.numbers, atoms.positions, np.array([6]), np.zeros(1)), forces=True
    )
    assert isinstance(found.energy, float)
    assert found.energy == pytest.approx(expected.energy.item(), abs=1e-6)
    assert found.forces == pytest.approx(expected.forces.numpy(), abs=1e-6)
    assert found.atomic_energies.sum() == pytest.approx(found.energy, abs=1e-5)  # the offset is zero here


def test_molecules_are_predicted_in_their_order(run: Path) -> None:
    potential = potbench.load(run, dtype=torch.float64)
    structures = [molecule(name) for name in ("CH3OH", "H2O", "CH4", "H2O")] + [Atoms("O")]
    together = potential.predict(structures)
    assert [len(found.forces) for found in together] == [6, 3, 5, 3, 1]
    for atoms, found in zip(structures, together, strict=True):
        alone = potential.predict(atoms)
        assert found.energy == pytest.approx(alone.energy, abs=1e-9)
        assert found.forces == pytest.approx(alone.forces, abs=1e-9)
        assert found.extrapolation == pytest.approx(alone.extrapolation)
    assert potential.predict([]) == []
    both = [molecule("H2O"), molecule("CH4")]
    assert [found.energy for found in potential.predict(iter(both))] == [
        found.energy for found in potential.predict(both)
    ]
    with pytest.raises(UnknownMoleculeError, match=r"Structure 0 is 'H', which is no molecule\. Expected ASE's Atoms"):
        potential.predict("H2O")


def test_atoms_outside_of_the_training_set_are_seen(run: Path) -> None:
    near, far = molecule("H2O"), molecule("H2O")
    far.positions[1] *= 3
    inside, outside = potbench.load(run).predict([near, far])
    assert inside.extrapolation.max() <= 1 < outside.extrapolation[1]
    potential = small_potential()
    assert potential.predict(near).extrapolation is None


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (molecule("SiH4"), "The potential does not know Si; it was built for H, C, O"),
        (Atoms("OH", [[0, 0, 0], [0, 0, 1]], cell=[5, 5, 5], pbc=True), "Structure 1 is periodic"),
        (Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 0, 1]]), r"Structure 1 has atoms 1 \(H\), 2 \(H\) in one place"),
        (Atoms("OH", [[0, 0, 0], [0, 0, np.nan]]), "Structure 1 has positions that are NaN"),
        (Atoms(), "Structure 1 has no atoms"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_words(run: Path, atoms: Atoms, message: str) -> None:
    with pytest.raises(UnknownMoleculeError, match=message):
        potbench.load(run).predict([molecule("H2O"), atoms])


def test_a_prediction_that_is_no_number_is_refused() -> None:
    potential = small_potential()
    for weight in potential.parameters():
        weight.data.fill_(torch.nan)
    with pytest.raises(UnknownMoleculeError, match=r"Structure 0: the predicted forces on atoms 0 \(O\)"):
        potential.predict(molecule("H2O"))
