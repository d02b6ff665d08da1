"""Captured training steps do on a GPU what other steps do, in less time."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.strategies import SingleDeviceStrategy

from potbench.batch import Batch
from potbench.runs.cost import Cost
from potbench.training import EnergyForcesLoss, GradientTask
from potbench.training.cuda_graph import WARM_UP, in_graph
from tests.gpu.synchronization import FOUND, NoteSynchronization
from tests.native_files.made import frames
from tests.physics.potentials import CONFIGS, build
from tests.training.recorded_step import recorded
from tests.training.small_task import quiet_trainer, small_potential
from tests.training.test_captured_step import CASES, WITH_CALLBACKS, data_of_one_molecule, train

pytestmark = pytest.mark.filterwarnings("ignore")

CUDA = torch.device("cuda")
DOUBLE = {"accelerator": "gpu", "devices": 1, "precision": "64-true"}
NAMES = [
    *("ani_feed_forward_large", "ani_hybrid", "ani_residual", "schnet", "painn", "continuous_filter"),
    *("equivariant_filter", "equivariant_filter_large", "pairwise"),
]


def assert_close(some: list[dict[str, Any]], others: list[dict[str, Any]], tolerance: float = 1e-6) -> None:
    assert len(some) == len(others)
    for one, other in zip(some, others, strict=True):
        for name in one:
            torch.testing.assert_close(one[name], other[name], rtol=tolerance, atol=tolerance, msg=name)


@pytest.mark.parametrize("case", [case for case in CASES if case != "bfloat"])
def test_captured_steps_give_the_losses_and_weights_of_other_steps(tmp_path: Path, case: str) -> None:
    settings = {**CASES[case], **DOUBLE}
    with recorded(in_graph, "cuda") as recorder:
        captured = train(tmp_path, **settings)
    assert recorder.recorded == 2
    assert recorder.replayed > 0
    assert_close(captured, train(tmp_path, capture=False, **settings))


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_captured_steps_follow_the_weights_in_other_precisions(tmp_path: Path, precision: str) -> None:
    settings = {"accelerator": "gpu", "devices": 1, "precision": precision}
    with recorded(in_graph, "cuda") as recorder:
        captured = train(tmp_path, **settings)
    assert recorder.recorded == 2
    assert_close(captured, train(tmp_path, capture=False, **settings), 0.02)


@pytest.mark.parametrize("case", WITH_CALLBACKS)
def test_captured_steps_do_what_callbacks_ask_for(tmp_path: Path, case: str) -> None:
    make, _ = WITH_CALLBACKS[case]
    settings = {**DOUBLE, "epochs": 12}
    with recorded(in_graph, "cuda") as recorder:
        captured = train(tmp_path, *make(), **settings)
    assert recorder.recorded >= 2
    assert_close(captured, train(tmp_path, *make(), capture=False, **settings))


def test_compiled_steps_are_captured_and_give_the_losses_and_weights_of_other_steps(tmp_path: Path) -> None:
    settings = {**CASES["muon"], **DOUBLE}
    with recorded(in_graph, "cuda") as recorder:
        compiled = train(tmp_path, cost := Cost(), compile_steps=True, **settings)
    assert recorder.recorded == 2
    assert recorder.replayed == cost.compiled_steps > 0
    assert_close(compiled, train(tmp_path, capture=False, **settings))


ONE_COMPOSITION = SimpleNamespace(
    composition=lambda frames, elements: np.ones((2, 1)), manifest=SimpleNamespace(atomic_numbers=())
)


def task_of(name: str, capture: bool, compile_steps: bool = False) -> GradientTask:
    """A task in double precision that begins to train on a GPU, three molecules at a time."""
    potential = build(CONFIGS[0].with_name(f"{name}.yaml"), seed=0).to(CUDA).train()
    loss = EnergyForcesLoss(forces=1.0)
    task = GradientTask(potential, loss, capture=capture, compile_steps=compile_steps).to(CUDA)
    task._trainer = SimpleNamespace(  # type: ignore[assignment]
        datamodule=SimpleNamespace(seed=0, indices=SimpleNamespace(train=None), store=ONE_COMPOSITION),
        global_step=0,
        global_rank=0,
        world_size=1,
        train_dataloader=SimpleNamespace(batch_sampler=BatchesOfThree()),
        print=print,
        fit_loop=None,
        strategy=SingleDeviceStrategy(device=CUDA),
        precision="64-true",
        accumulate_grad_batches=1,
        num_training_batches=10,
    )
    task.on_train_start()
    return task


class BatchesOfThree:
    def __len__(self) -> int:
        return 10

    def size(self, number: int) -> int:
        return 3


def gradients(task: GradientTask, batch: Batch) -> list[torch.Tensor]:
    loss = task.training_step(batch, 0)
    task.zero_grad()
    task.backward(loss)
    return [loss.detach().clone(), *(weight.grad.clone() for weight in task.parameters() if weight.grad is not None)]


def batch_of(seed: int) -> Batch:
    batch = Batch.from_frames(frames("CH3OH", 3, forces=True, seed=seed))
    assert batch.forces is not None
    return batch._replace(positions=batch.positions.double(), forces=batch.forces.double()).to(CUDA)


@pytest.mark.parametrize("name", NAMES)
def test_a_captured_step_computes_the_loss_and_gradients_of_another_batch_faster(name: str) -> None:
    captured, other = task_of(name, True), task_of(name, False)
    for seed in range(WARM_UP + 3):
        for one, expected in zip(gradients(captured, batch_of(seed)), gradients(other, batch_of(seed)), strict=True):
            torch.testing.assert_close(one, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()) + 1e-12)
    assert captured.static_steps is not None
    assert len(captured.static_steps._steps) == 1
    assert seconds(captured) < 0.8 * seconds(other)


@pytest.mark.parametrize("name", ["ani_hybrid", "schnet", "painn", "equivariant_filter"])
def test_a_compiled_step_computes_the_loss_and_gradients_of_another_batch_faster(name: str) -> None:
    compiled, captured = task_of(name, True, compile_steps=True), task_of(name, True)
    for seed in range(WARM_UP + 3):
        for one, expected in zip(gradients(compiled, batch_of(seed)), gradients(captured, batch_of(seed)), strict=True):
            torch.testing.assert_close(one, expected, rtol=1e-6, atol=1e-6 * float(expected.abs().max()) + 1e-12)
    assert compiled.is_compiled
    assert compiled.is_captured
    assert seconds(compiled) < seconds(captured)


def seconds(task: GradientTask) -> float:
    batch, times = batch_of(0), []
    for _ in range(5):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(5):
            task.zero_grad()
            task.backward(task.training_step(batch, 0))
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def test_no_captured_step_makes_the_host_wait(tmp_path: Path) -> None:
    with recorded(in_graph, "cuda") as recorder:
        train(tmp_path, NoteSynchronization(), accelerator="gpu", devices=1)
    assert recorder.recorded == 2
    assert not FOUND


class ReadLoss(Callback):
    """Has the potential ask for its scale on the host in every step."""

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        potential = pl_module.potential
        potential.readout.register_forward_hook(lambda *arguments: float(potential.scale) and None)


def test_a_step_in_which_the_host_waits_is_computed_as_ever(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = {"accelerator": "gpu", "devices": 1, "dropout": 0.5}
    with recorded(in_graph, "cuda") as recorder:
        trained = train(tmp_path, ReadLoss(), **settings)  # random numbers are drawn after that as before
    assert not recorder.recorded
    assert capsys.readouterr().out.count("Training steps are not captured: ") == 1
    assert_close(trained, train(tmp_path, capture=False, **settings), 1e-3)


def test_graphs_end_with_the_training(tmp_path: Path) -> None:
    task = GradientTask(small_potential(), EnergyForcesLoss(forces=1.0))
    trainer = quiet_trainer(tmp_path, epochs=4, accelerator="gpu", devices=1)
    trainer.fit(task, datamodule=data_of_one_molecule(tmp_path))
    assert task.static_steps is None
