from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from ase.io import read, write

from potbench.batch import Batch
from potbench.errors import CheckpointError, DataFileError, UnknownMoleculeError
from potbench.inference.predict import predict, predict_file
from potbench.laws.precision import default_dtype
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.runs.trained_on import TrainedOn
from potbench.structures import Frames
from tests.runs.small_checkpoint import save, small_checkpoint, small_potential

NAMES = ("CH4", "H2O", "CH3OH", "C2H2", "H2O2")


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save(small_checkpoint(), tmp_path / "best.ckpt")


@pytest.fixture
def structures(tmp_path: Path) -> Path:
    file = tmp_path / "structures.xyz"
    write(file, [molecule(name) for name in NAMES])
    return file


def chunk(atoms: Atoms, num_frames: int = 1) -> Frames:
    positions = atoms.positions + np.random.default_rng(0).normal(0, 0.05, (num_frames, len(atoms), 3))
    return Frames(atoms.get_chemical_formula(), atoms.numbers, positions, np.full(num_frames, np.nan))


def test_predictions_are_those_of_the_potential_in_the_order_of_the_file(
    checkpoint: Path, structures: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.xyz"
    assert predict_file(checkpoint, structures, output, batch_size=2).num_structures == len(NAMES)
    potential = small_potential()
    for before, after in zip(read(structures, ":"), read(output, ":"), strict=True):
        assert after.get_chemical_symbols() == before.get_chemical_symbols()
        assert after.positions == pytest.approx(before.positions)
        frames = Frames("", before.numbers, before.positions[None], np.zeros(1))
        expected = potential(Batch.from_frames(frames), forces=True)
        assert after.get_potential_energy() == pytest.approx(expected.energy.item(), abs=1e-5)
        assert after.get_forces() == pytest.approx(expected.forces.numpy(), abs=1e-5)


def test_a_potential_in_double_precision_predicts_in_it() -> None:
    potential, frames = small_potential().double(), chunk(molecule("CH4"), 3)
    (found,) = predict(potential, [frames])
    batch = Batch.from_frames(frames)
    with default_dtype(torch.float64):
        expected = potential(batch.with_positions(torch.from_numpy(frames.positions).view(-1, 3)), forces=True)
    assert torch.equal(torch.from_numpy(found.energy), expected.energy.detach())
    assert torch.equal(torch.from_numpy(found.forces).view(-1, 3), expected.forces.detach())


class Rounding(SumOverAtoms):
    """It has no weights, and knows how far positions are from those in single precision."""

    def atomic_energies(self, batch, element):
        return (batch.positions.double() - batch.positions.detach().float()).sum(dim=1)


def test_a_potential_without_weights_gets_positions_in_double_precision() -> None:
    frames = chunk(molecule("CH4"), 3)
    (found,) = predict(Rounding(["H", "C"]), [frames])
    rounded = (frames.positions - frames.positions.astype(np.float32)).sum(axis=(1, 2))
    assert found.energy == pytest.approx(rounded, rel=1e-6)
    assert (np.abs(rounded) > 1e-9).all()


def test_conformers_are_predicted_as_chunks_of_the_same_shape() -> None:
    potential, chunks = (
        small_potential(),
        [chunk(molecule("CH4"), 3), chunk(molecule("H2O")), chunk(molecule("CH4"), 2)],
    )
    found = predict(potential, chunks, batch_size=2)
    for before, after in zip(chunks, found, strict=True):
        expected = potential(Batch.from_frames(before), forces=True)
        assert after.molecule == before.molecule
        assert after.positions is before.positions
        assert after.energy.dtype == np.float64
        assert after.energy == pytest.approx(expected.energy.detach().numpy(), abs=1e-5)
        assert after.forces is not None
        assert after.forces == pytest.approx(expected.forces.numpy().reshape(before.positions.shape), abs=1e-5)


@pytest.mark.parametrize(("names", "sizes"), [(["C60"] * 200, [68, 68, 64]), (["CH4"] * 900, [256, 256, 256, 132])])
def test_batches_are_bounded_in_atoms_as_well(names: list[str], sizes: list[int]) -> None:
    potential, found = small_potential(), []
    potential.register_forward_hook(lambda module, arguments, output: found.append(len(output.energy)))
    predict(potential, [chunk(molecule(name)) for name in names])
    assert found == sizes


def test_a_prediction_that_is_no_number_is_refused_by_structure_and_atoms() -> None:
    potential, weight = small_potential(), None
    for weight in potential.parameters():
        weight.data.fill_(torch.nan)
    assert weight is not None
    with pytest.raises(UnknownMoleculeError, match=r"Structure CH4: .* forces on atoms 0 \(C\), 1 \(H\)"):
        predict(potential, [chunk(molecule("CH4"))])


def test_structures_are_compared_with_what_was_trained_on(checkpoint: Path, tmp_path: Path) -> None:
    # three conformers of methane train; ethane is new, and so is a methane that has come apart
    trained = TrainedOn(
        np.array([[4, 1]]), TrainedEnvironments.of([Batch.from_frames(chunk(molecule("CH4"), 50))], [1, 6])
    )
    apart = molecule("CH4")
    apart.positions[1] *= 3
    write(tmp_path / "in.xyz", [Atoms("CH4", chunk(molecule("CH4")).positions[0]), apart, molecule("C2H6")])
    predicted = predict_file(checkpoint, tmp_path / "in.xyz", tmp_path / "out.xyz", 256, trained)
    assert predicted.new_compositions == [2]
    assert predicted.outside == [1, 2]
    near, far, ethane = read(tmp_path / "out.xyz", ":")
    assert [atoms.info["new_composition"] for atoms in (near, far, ethane)] == [False, False, True]
    assert near.arrays["extrapolation"].max() <= 1 < far.arrays["extrapolation"][1]


def test_of_no_structures_nothing_is_predicted() -> None:
    assert predict(small_potential(), []) == []


def test_an_element_that_the_potential_does_not_know_is_refused_before_anything_is_predicted(
    checkpoint: Path, tmp_path: Path
) -> None:
    potential, predicted = small_potential(), []
    potential.register_forward_hook(lambda *arguments: predicted.append(1))
    with pytest.raises(UnknownMoleculeError, match="Si"):
        predict(potential, [chunk(molecule("CH4")), chunk(molecule("SiH4"))], batch_size=1)
    assert not predicted
    write(tmp_path / "odd.xyz", [molecule("CH4"), molecule("SiH4")])
    with pytest.raises(UnknownMoleculeError, match="Si"):
        predict_file(checkpoint, tmp_path / "odd.xyz", tmp_path / "out.npz", batch_size=1)
    assert not (tmp_path / "out.npz").exists()


def test_structures_are_read_before_the_potential(tmp_path: Path, structures: Path) -> None:
    with pytest.raises(DataFileError):
        predict_file(tmp_path / "none.ckpt", tmp_path / "none.xyz", tmp_path / "out.npz", 1)
    with pytest.raises(CheckpointError):
        predict_file(tmp_path / "none.ckpt", structures, tmp_path / "out.npz", 1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_predicts_the_same() -> None:
    chunks = [chunk(molecule(name)) for name in NAMES]
    for ours, theirs in zip(predict(small_potential(), chunks), predict(small_potential().cuda(), chunks), strict=True):
        assert theirs.energy == pytest.approx(ours.energy, abs=1e-4)
