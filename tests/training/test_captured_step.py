from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import EMAWeightAveraging, GradientAccumulationScheduler
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import Tensor

from potbench.batch import Batch
from potbench.loading import AtomsDataModule, RandomSplit
from potbench.runs.cost import Cost
from potbench.training import ChangingLoss, EnergyForcesLoss, FeatureCache, GradientTask, Muon, captured_step
from potbench.training.averaging import AveragesWeightsAlone
from potbench.training.captured_step import CapturedSteps, obstacle
from potbench.training.cuda_graph import WARM_UP
from potbench.training.feature_cache.table import BatchFeatures
from potbench.training.static_step import signature
from tests.native_files.made import Made, frames
from tests.physics.potentials import CONFIGS, build
from tests.training.recorded_step import into_the_same_tensors, recorded
from tests.training.small_task import quiet_trainer, small_data, small_potential

pytestmark = pytest.mark.filterwarnings("ignore")

EPOCHS = 5
"""Of two full batches and one that is not: both are captured, the second in the fourth."""


ADAM = partial(torch.optim.Adam, lr=0.01)


class Follow(Callback):
    """Notes the loss and the weights of every step."""

    def __init__(self) -> None:
        self.steps: list[dict[str, Tensor]] = []

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *arguments: Any) -> None:
        weights = {name: weight.detach().clone() for name, weight in pl_module.named_parameters()}
        self.steps.append({"loss": outputs["loss"].clone(), **weights})


class FreezeLater(Callback):
    """Freezes a weight in the fourth epoch, and trains it again in the sixth."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        next(pl_module.parameters()).requires_grad_(trainer.current_epoch not in {3, 4})


class Replace(Callback):
    """Has the weights elsewhere from the third epoch on."""

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        if trainer.current_epoch == 2:
            for weight in pl_module.parameters():
                weight.data = weight.data.clone()


def data_of_one_molecule(folder: Path) -> AtomsDataModule:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.h5").write_text("of one molecule")
    source = Made(folder / "made.h5", lambda: [frames("NH3", 19, forces=True)])
    return AtomsDataModule(source, RandomSplit(11, 4, 4), batch_size=4)


def train(
    folder: Path,
    *callbacks: Callback,
    optimizer: Any = ADAM,
    loss: EnergyForcesLoss | None = None,
    epochs: int = EPOCHS,
    dropout: float = 0.0,
    capture: bool | None = None,
    compile_steps: bool = False,
    ckpt_path: Path | None = None,
    **settings: Any,
) -> list[dict[str, Tensor]]:
    """Train on one molecule; return the losses, the weights after each step, and the metrics at the end."""
    potential = small_potential(dropout=dropout)
    task = GradientTask(
        potential, loss or EnergyForcesLoss(forces=1.0), optimizer, capture=capture, compile_steps=compile_steps
    )
    settings = {"epochs": epochs, "check_val_every_n_epoch": 3, **settings}
    trainer = quiet_trainer(folder, *callbacks, follow := Follow(), **settings)
    trainer.fit(task, datamodule=data_of_one_molecule(folder), ckpt_path=ckpt_path, weights_only=True)
    return [*follow.steps, {**trainer.callback_metrics, **task.state_dict()}]


def assert_equal(some: list[dict[str, Tensor]], others: list[dict[str, Tensor]]) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def averaged() -> list[Callback]:
    averaging = EMAWeightAveraging(decay=0.7)
    return [AveragesWeightsAlone(averaging), averaging]


CASES: dict[str, dict[str, Any]] = {
    "adam": {},
    "muon": {"optimizer": partial(Muon, lr=0.01)},
    "sgd": {"optimizer": partial(torch.optim.SGD, lr=1e-4, momentum=0.9)},
    "lbfgs": {"optimizer": partial(torch.optim.LBFGS, lr=1e-3, max_iter=3)},
    "clipped": {"gradient_clip_val": 0.1},
    "double": {"precision": "64-true"},
    "bfloat": {"precision": "bf16-mixed"},
    "energies": {"loss": EnergyForcesLoss()},
    "dropout": {"dropout": 0.5},
}


@pytest.mark.parametrize("case", CASES)
def test_captured_steps_do_what_other_steps_do_to_the_last_digit(tmp_path, case):
    with recorded() as recorder:
        captured = train(tmp_path, **CASES[case])
    assert recorder.recorded == 2
    assert recorder.replayed >= 3 * EPOCHS - 2 * WARM_UP  # more where an optimizer asks again
    assert (recorder.replayed_by_optimizers > 0) == (case == "muon")
    assert_equal(captured, train(tmp_path, **CASES[case]))


WITH_CALLBACKS: dict[str, tuple[Any, int]] = {
    "averaged": (averaged, 2),
    "cached": (lambda: [FeatureCache()], 2),  # the whole training, with derivatives
    "frozen": (lambda: [FreezeLater()], 3),  # the steps of both shapes, and one of them anew
    "replaced": (lambda: [Replace()], 3),
}


@pytest.mark.parametrize("case", WITH_CALLBACKS)
def test_captured_steps_do_what_callbacks_ask_for(tmp_path, case):
    make, count = WITH_CALLBACKS[case]
    epochs = 12 if case == "cached" else 7
    with recorded() as recorder:
        captured = train(tmp_path, *make(), epochs=epochs)
    assert recorder.recorded == count
    assert_equal(captured, train(tmp_path, *make(), epochs=epochs))


@pytest.mark.parametrize(
    ("loss", "count"), [(ChangingLoss(forces=0.5, end=0.5), 4), (ChangingLoss(forces=0.5, begin=0.0, end=0.7), 1)]
)
def test_weights_of_a_loss_that_change_are_those_of_the_step(tmp_path, loss, count):
    with recorded() as recorder:
        captured = train(tmp_path, loss=loss, epochs=10)
    assert recorder.recorded == count
    assert_equal(captured, train(tmp_path, loss=loss, epochs=10))


def test_a_resumed_training_does_what_one_without_a_break_does(tmp_path):
    often = {"check_val_every_n_epoch": 2}  # a checkpoint is saved after each
    whole = train(tmp_path / "whole", epochs=6, **often)
    with recorded() as recorder:
        first = train(tmp_path / "one", Cost(), epochs=4, enable_checkpointing=True, **often)
        (last,) = (tmp_path / "one").rglob("*.ckpt")
        second = train(tmp_path / "one", cost := Cost(), epochs=6, ckpt_path=last, **often)
    assert recorder.recorded == 3
    assert cost.captured_steps == recorder.replayed == 5 + 1 + 1
    assert_equal([*first[:-1], *second], whole)


@pytest.mark.parametrize("config", [config for config in CONFIGS if config.stem != "sgdml"], ids=lambda each: each.stem)
def test_a_captured_step_of_every_potential_computes_the_loss_and_gradients_of_another_batch(config):
    potential = build(config, seed=0).float().train()
    forces = float(type(potential).__name__ != "CompositionBaseline")
    task = GradientTask(potential, EnergyForcesLoss(forces=forces))
    steps = CapturedSteps(task._losses, into_the_same_tensors, print)
    trained = [weight for weight in task.parameters() if weight.requires_grad]
    steps.begin_epoch(task, trained)
    batches = [Batch.from_frames(frames("CH4", 2, forces=True, seed=seed)) for seed in range(WARM_UP + 3)]
    settings, kept = (task.loss.weights_at(0), 0.5), []
    for number, batch in enumerate(batches):
        torch.manual_seed(number)
        loss, losses = task._losses(batch, *settings)
        gradients = torch.autograd.grad(loss, trained, allow_unused=True)
        torch.manual_seed(number)
        captured = steps.find(batch, *settings)
        assert (captured is None) == (number < WARM_UP)
        if captured is not None:
            torch.manual_seed(number)
            found = captured(batch)
            kept.append((found, loss, losses))
            for weight, one, other in zip(trained, found.gradients, gradients, strict=True):
                assert (one is None) == (other is None)
                assert one is None or torch.equal(one, other)
                assert one is None or one.stride() == weight.stride()  # or fused optimizers refuse it on a GPU
    for found, loss, losses in kept:  # though others were computed
        assert torch.equal(found.loss, loss)
        assert torch.equal(found.losses, losses)
    again = Batch.from_frames(frames("CH4", 2, forces=True, seed=WARM_UP))
    assert torch.equal(batches[WARM_UP].positions, again.positions)  # of the step that was recorded


def of_hydrogen(*sizes: int) -> Batch:
    num_atoms = sum(sizes)
    positions = np.random.default_rng(0).normal(size=(num_atoms, 3))
    return Batch.from_arrays(np.ones(num_atoms, int), positions, np.array(sizes), np.zeros(len(sizes)))


def test_steps_of_other_shapes_are_told_apart():
    ammonia, water = frames("NH3", 2, forces=True), frames("H2O", 2, forces=True)
    known = np.array([True, False])
    batches = [
        Batch.from_frames(ammonia),
        Batch.from_frames(ammonia, water),
        Batch.from_frames(frames("HCN", 2, forces=True), frames("CH4", 2, forces=True)),
        Batch.from_frames(frames("H2O", 2, forces=True), frames("CH4", 2, forces=True)),
        Batch.from_frames(frames("NH3", 2)),
        Batch.from_frames(ammonia._replace(energy_known=known)),
        Batch.from_frames(ammonia._replace(forces_known=known)),
        Batch.from_frames(ammonia)._replace(weight=torch.ones(2, dtype=torch.float64)),
        Batch.from_frames(ammonia)._replace(positions=torch.zeros(8, 3, dtype=torch.float64)),
        Batch.from_frames(ammonia)._replace(cached=BatchFeatures(torch.zeros(8, 5))),
        # pairs are as many in the first two, and the largest molecules in the others
        *(of_hydrogen(*sizes) for sizes in ((1, 5, 6), (2, 3, 7), (2, 2, 4), (1, 3, 4))),
    ]
    assert len({signature(batch) for batch in batches}) == len(batches)
    assert signature(batches[0]) == signature(Batch.from_frames(frames("NH3", 2, forces=True, seed=1)))


def test_steps_whose_batches_are_never_alike_are_not_captured(tmp_path, monkeypatch):
    monkeypatch.setattr(captured_step, "MANY", 4)
    task = GradientTask(small_potential(), EnergyForcesLoss(forces=1.0))
    counted: list[int] = []

    class Count(Callback):
        def on_train_batch_end(self, trainer: Any, pl_module: Any, *arguments: Any) -> None:
            counted.append(len(pl_module.static_steps._seen))

    with recorded() as recorder:
        quiet_trainer(tmp_path, Count(), epochs=4).fit(task, datamodule=small_data(tmp_path, forces=True))
    assert not recorder.recorded
    assert max(counted) == 4


def test_no_more_graphs_are_kept_than_a_few(tmp_path, monkeypatch):
    monkeypatch.setattr(captured_step, "MOST", 1)
    with recorded() as recorder:
        train(tmp_path)
    assert recorder.recorded == 1


def test_a_step_that_cannot_be_captured_is_computed_as_ever_and_a_line_says_why(tmp_path, capsys):
    def refuse(compute: Any) -> Any:
        compute()
        raise RuntimeError("called a synchronizing CUDA operation\nin a kernel")

    with recorded(refuse):
        trained = train(tmp_path)
    line = "Training steps are not captured: called a synchronizing CUDA operation."
    assert capsys.readouterr().out.splitlines().count(line) == 1
    assert_equal(trained, train(tmp_path))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"strategy": DDPStrategy()}, "DDPStrategy adds what other devices compute"),
        ({"precision": "16-mixed"}, "precision 16-mixed repeats those that overflow, bf16-mixed does not"),
        ({"accumulate_grad_batches": 2}, "gradients of several batches are added up"),
    ],
)
def test_what_graphs_cannot_do_is_told(settings, reason):
    alone = {"strategy": SingleDeviceStrategy(), "precision": "32-true", "accumulate_grad_batches": 1}
    with recorded():
        possible, impossible = (
            SimpleNamespace(device=torch.device("cpu"), trainer=SimpleNamespace(**each))
            for each in (alone, {**alone, **settings})
        )
        assert obstacle(possible) is None
        assert obstacle(impossible) == reason
        with torch.autograd.set_detect_anomaly(True):
            assert obstacle(possible) == "each operation is searched for numbers that are not finite"


def test_gradients_are_added_up_from_the_epoch_on_that_asks_for_it(tmp_path):
    with recorded() as recorder:
        captured = train(tmp_path, GradientAccumulationScheduler({4: 2}), epochs=6)
    assert recorder.recorded == 2
    assert_equal(captured, train(tmp_path, GradientAccumulationScheduler({4: 2}), epochs=6))


def test_a_cpu_replays_nothing_and_says_so_where_it_is_asked_to(tmp_path, capsys):
    train(tmp_path, capture=True, epochs=1)
    assert "Training steps are not captured: only a GPU can replay them.\n" in capsys.readouterr().out
    train(tmp_path, epochs=1)
    assert "captured" not in capsys.readouterr().out


def test_nothing_is_captured_where_it_is_not_wanted(tmp_path):
    with recorded() as recorder:
        train(tmp_path, capture=False)
    assert not recorder.recorded
