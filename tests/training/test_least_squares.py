from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EMAWeightAveraging, ModelCheckpoint
from torch import nn

from potbench.errors import SettingError
from potbench.loading import AtomsDataModule
from potbench.loading.collate import gather
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward, Linear
from potbench.representations import ACE
from potbench.structures import Frames
from potbench.training import EnergyForcesLoss, LeastSquaresTask, least_squares, normal_equations
from potbench.training import linear_rows as linear_rows_module
from potbench.training.linear_rows import LinearRows, bytes_of_molecule, linear_rows
from tests.native_files.one_molecule import sample_frames
from tests.training.small_task import quiet_trainer
from tests.training.test_closed_form import data_of

ELEMENTS = ["H", "C", "N", "O"]
STRENGTHS = (1e-6, 1e-9)


def potential_of(**settings: object) -> AtomicPotential:
    sizes = {"max_degrees": (6, 5, 3), "max_l": (0, 2, 1), **settings}
    return AtomicPotential(ELEMENTS, lambda elements: ACE(elements, **sizes), Linear)


def task_of(loss: EnergyForcesLoss | None = None, strengths: tuple[float, ...] = STRENGTHS) -> LeastSquaresTask:
    return LeastSquaresTask(potential_of(), loss, strengths)


@pytest.fixture
def data(tmp_path: Path) -> AtomsDataModule:
    """Methanol and ammonia: atoms of an element have different neighbors."""
    return data_of(tmp_path, sample_frames(end=80), sample_frames("NH3", end=40), train=90, validation=20, test=10)


def solved(data: AtomsDataModule, folder: Path, task: LeastSquaresTask, **settings: object) -> LeastSquaresTask:
    quiet_trainer(folder, epochs=1, precision="64-true", **settings).fit(task, datamodule=data)
    return task


@pytest.mark.parametrize(
    ("loss", "energies", "forces"),
    [
        (EnergyForcesLoss(energy=10.0, forces=1.0), 0.15, 0.1),
        (EnergyForcesLoss(energy=1.0, forces=0.0), 0.6, None),
        (EnergyForcesLoss(energy=0.0, forces=1.0), None, 0.1),
        (EnergyForcesLoss(energy=10.0, forces=1.0, per_atom=True), 0.15, 0.1),
    ],
    ids=["both", "energies", "forces", "per atom"],
)
def test_it_learns_what_the_loss_weights(
    loss: EnergyForcesLoss, energies: float | None, forces: float | None, data: AtomsDataModule, tmp_path: Path
) -> None:
    task = solved(data, tmp_path, task_of(loss))
    batch = gather(data.store, data.indices.test)
    prediction = task.potential(batch.with_positions(batch.positions.double()), forces=True)
    if energies is not None:
        assert (prediction.energy - batch.energy).std() < energies * data.statistics.energy_spread
    if forces is not None:
        errors = prediction.forces.detach() - batch.forces
        assert errors.square().mean().sqrt() < forces * data.statistics.forces_rms


def test_no_small_change_of_the_weights_makes_the_penalized_loss_smaller(data: AtomsDataModule, tmp_path: Path) -> None:
    task = solved(data, tmp_path, LeastSquaresTask(potential_of(), None, (1e-12,)))
    batch = gather(data.store, data.indices.train)
    batch = batch.with_positions(batch.positions.double())

    def loss() -> float:
        return float(task.loss(task.potential(batch, forces=True), batch).mean())

    smallest = loss()
    for weight in (task.readout.weight, task.readout.bias):
        for seed in range(3):
            change = torch.randn(weight.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
            for step in (1e-3, -1e-3):
                with torch.no_grad():
                    weight += step * change
                assert loss() > smallest
                with torch.no_grad():
                    weight -= step * change


def test_molecules_are_computed_as_many_at_once_as_memory_allows(
    data: AtomsDataModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def counted(*arguments: Any) -> LinearRows:
        sizes.append(len(arguments[1].energy))
        return linear_rows(*arguments)

    monkeypatch.setattr(least_squares, "linear_rows", counted)
    whole = solved(data, tmp_path, task_of(strengths=(1e-6,))).potential
    assert max(sizes) > 2
    sizes.clear()
    of_molecule = bytes_of_molecule(potential_of().representation, num_atoms=6, forces=True)  # of methanol
    monkeypatch.setattr(linear_rows_module, "AT_ONCE", 2 * of_molecule)
    parts = solved(data, tmp_path, task_of(strengths=(1e-6,))).potential
    assert sum(sizes) == 90
    assert len(sizes) > 18  # batches of five
    batch = gather(data.store, data.indices.test)
    batch = batch.with_positions(batch.positions.double())
    assert torch.allclose(parts(batch).energy, whole(batch).energy, rtol=0, atol=1e-6)


def test_the_memory_of_large_molecules_is_that_of_pairs_within_the_cutoff() -> None:
    representation = potential_of().representation
    assert isinstance(representation, ACE)
    of_400, of_800 = (bytes_of_molecule(representation, num_atoms, forces=False) for num_atoms in (400, 800))
    assert of_800 < 2.1 * of_400
    assert bytes_of_molecule(representation, 400, forces=True) == pytest.approx(1200 * of_400)


def test_molecules_of_single_atoms_have_the_energies_of_their_elements(tmp_path: Path) -> None:
    energies = {1: -13.6, 8: -2042.6}
    random = np.random.default_rng(0)
    atoms = [
        Frames(
            str(number), np.array([number]), random.normal(size=(30, 1, 3)), np.full(30, energy), np.zeros((30, 1, 3))
        )
        for number, energy in energies.items()
    ]
    data = data_of(tmp_path, *atoms, train=40, validation=10, test=10)
    task = solved(data, tmp_path, task_of(EnergyForcesLoss(energy=1.0, forces=1.0)))
    batch = gather(data.store, data.indices.test)
    predicted = task.potential(batch.with_positions(batch.positions.double())).energy
    assert torch.allclose(predicted, batch.energy, rtol=0, atol=1e-6)


def test_the_matrix_and_its_dual_give_the_same_potential(
    data: AtomsDataModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dual = solved(data, tmp_path, task_of(strengths=(1e-6,)))
    monkeypatch.setattr(normal_equations, "BUFFERED", 300)
    formed = solved(data, tmp_path, task_of(strengths=(1e-6,)))
    batch = gather(data.store, data.indices.test)
    batch = batch.with_positions(batch.positions.double())
    assert torch.allclose(dual.potential(batch).energy, formed.potential(batch).energy, rtol=0, atol=1e-6)


def test_strengths_are_tried_until_the_loss_of_the_validation_set_rises(
    data: AtomsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = solved(data, tmp_path, task_of(strengths=(1.0, 1e-7, 10.0, 1e-8)))
    printed = capsys.readouterr().out
    tried = re.findall(r"Regularization (\S+): loss on the validation set (\S+)", printed)
    assert [float(strength) for strength, _ in tried] == [1.0, 1e-7, 10.0]
    losses = [float(loss) for _, loss in tried]
    assert losses[1] < losses[0]
    assert float(task.trainer.callback_metrics["validation/loss"]) == pytest.approx(losses[1], rel=1e-3)
    assert re.search(r"(?m)^\d[\d,]* columns, whose equations take up to \d+\.\d\d GiB of memory\.", printed)


@pytest.mark.parametrize(
    ("strengths", "end"), [((1e-7, 10.0), "first"), ((10.0, 1e-7), "last"), ((10.0, 1e-7, 10.0), ""), ((1e-7,), "")]
)
def test_a_strength_at_an_end_of_those_to_try_is_said_to_be(
    data: AtomsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str], strengths: tuple[float, ...], end: str
) -> None:
    solved(data, tmp_path, task_of(strengths=strengths))
    said = f"Regularization 1e-07 is the best, and the {end} of those to try: one beyond may be better."
    assert (said in capsys.readouterr().out) == bool(end)


def test_that_forces_alone_leave_a_constant_open_is_said(
    data: AtomsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for energy in (0.0, 1.0):
        solved(data, tmp_path, task_of(EnergyForcesLoss(energy=energy, forces=1.0), strengths=(1e-7,)))
        assert ("forces leave a constant of the energies open" in capsys.readouterr().out) == (not energy)


def test_what_was_solved_is_kept_where_a_weaker_regularization_cannot_be(
    data: AtomsDataModule, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = solved(data, tmp_path, task_of(strengths=(1e-7,)))
    both = solved(data, tmp_path, task_of(strengths=(1e-7, 1e-300, 1e-8)))
    assert torch.equal(both.readout.weight, alone.readout.weight)
    assert capsys.readouterr().out.count("Regularization 1e-300: too weak to solve the equations in double pre") == 1
    with pytest.raises(SettingError, match=r"The equations cannot be solved in double precision\. Expected larger"):
        solved(data, tmp_path, task_of(strengths=(1e-300,)))


def test_a_checkpoint_gives_the_same_energies(data: AtomsDataModule, tmp_path: Path) -> None:
    best = ModelCheckpoint(tmp_path, filename="best", monitor="validation/loss")
    task = task_of()
    trainer = quiet_trainer(tmp_path, best, epochs=1, enable_checkpointing=True, precision="64-true")
    trainer.fit(task, datamodule=data)
    weights = torch.load(tmp_path / "best.ckpt", weights_only=True)["state_dict"]
    assert all(name.startswith("potential.") for name in weights)
    again = task_of().double()
    again.load_state_dict(weights)
    batch = gather(data.store, data.indices.test)
    batch = batch.with_positions(batch.positions.double())
    assert torch.equal(again.potential(batch).energy, task.potential(batch).energy)


def test_products_that_no_molecule_has_the_atoms_for_are_left_out(data: AtomsDataModule, tmp_path: Path) -> None:
    task = solved(data, tmp_path, task_of())
    # methanol and ammonia: no atom has another carbon or oxygen beside its own, and nitrogen has hydrogen alone
    assert task.representation.most_neighbors.tolist() == [[3, 1, 1, 1], [4, 0, 0, 1], [3, 0, 0, 0], [4, 1, 0, 0]]
    assert task.readout.weight.shape[1] == task.representation.num_features < potential_of().representation.num_features


def test_frames_without_weight_do_not_count(data: AtomsDataModule, tmp_path: Path) -> None:
    task = task_of()
    solved(data, tmp_path, task)
    batch = gather(data.store, data.indices.train[:10])
    equations = [normal_equations.NormalEquations(sum(task._sizes)) for _ in range(2)]
    task._add(batch._replace(weight=torch.tensor([1.0] * 6 + [0.0] * 4, dtype=torch.float64)), equations[0])
    task._add(batch.select(range(6)), equations[1])
    assert torch.allclose(equations[0].moments, equations[1].moments)
    assert torch.allclose(equations[0].squares, equations[1].squares)


def test_labels_that_are_not_known_do_not_count(data: AtomsDataModule, tmp_path: Path) -> None:
    task = solved(data, tmp_path, task_of())
    batch = gather(data.store, data.indices.train[:10])
    known = torch.arange(10) < 6
    equations = [normal_equations.NormalEquations(sum(task._sizes)) for _ in range(2)]
    task._add(batch._replace(energy_known=known, forces_known=known), equations[0])
    task._add(batch.select(range(6)), equations[1])
    assert torch.allclose(equations[0].moments, equations[1].moments)


def test_more_columns_than_the_memory_holds_are_refused_before_training(
    data: AtomsDataModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normal_equations.NormalEquations, "num_bytes", 2**50)
    message = r"The equations of [\d,]+ columns take 1048576\.0 GiB of memory, and .* Change the argument max_deg"
    with pytest.raises(SettingError, match=message):
        solved(data, tmp_path, task_of())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: LeastSquaresTask(
                AtomicPotential(
                    ELEMENTS, lambda elements: ACE(elements, (3,), (0,)), lambda e, n: FeedForward(e, n, [8])
                )
            ),
            "potential is 'ACE with FeedForward', expected ACE with the readout Linear",
        ),
        (lambda: task_of(EnergyForcesLoss(error=nn.L1Loss)), "EnergyForcesLoss of L1Loss"),
        (lambda: task_of(strengths=()), "one or more numbers, all above zero"),
        (lambda: task_of(strengths=(1e-9, 0.0)), "one or more numbers, all above zero"),
        (lambda: task_of(strengths=(1e-9, math.nan)), "one or more numbers, all above zero"),
        (lambda: task_of(strengths=(math.inf,)), "one or more numbers, all above zero"),
        (lambda: LeastSquaresTask(potential_of(), smoothness=-3), "smoothness is -3, expected a finite number of at"),
        (lambda: LeastSquaresTask(potential_of(), smoothness=math.nan), "smoothness is nan, expected a finite number"),
    ],
)
def test_what_is_no_least_squares_problem_is_refused(make, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            {"val_check_interval": 0.5},
            "val_check_interval is 0.5, and a linear potential is solved at the end of",
        ),
        ({"val_check_interval": 2}, "val_check_interval is 2, and a linear potential is solved at the end of"),
        ({"max_time": "00:00:00:01"}, "max_time has a Timer, and a linear potential is solved at the end of one pass"),
        ({"callbacks": [EMAWeightAveraging()]}, "callbacks has a EMAWeightAveraging, and a linear potential is solved"),
    ],
)
def test_what_looks_at_the_potential_or_ends_before_it_is_solved_is_refused(
    data: AtomsDataModule, tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    trainer = Trainer(max_epochs=1, logger=False, enable_progress_bar=False, default_root_dir=tmp_path, **settings)
    with pytest.raises(SettingError) as caught:
        trainer.fit(task_of(), datamodule=data)
    assert str(caught.value).startswith(said)


def test_more_than_one_epoch_is_refused(data: AtomsDataModule, tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"max_epochs is 2, and a linear potential is solved in one pass, by one pro"
    ):
        quiet_trainer(tmp_path, epochs=2).fit(task_of(), datamodule=data)
