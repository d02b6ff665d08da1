"""What makes the host wait for a GPU needs values of tensors, and those on torch's meta device have none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from potbench.batch import Batch
from potbench.potentials import Potential
from potbench.training import EnergyForcesLoss, GradientTask, Muon
from tests.native_files.made import blocks
from tests.physics.potentials import CONFIGS, build

META = torch.device("meta")
OPTIMIZERS = {"adam": torch.optim.Adam, "muon": Muon}


class RefuseCopies(TorchDispatchMode):
    """Raises RuntimeError where a step copies numbers from the host, which would wait for the copy."""

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        result = function(*arguments, **(named or {}))
        of_host = [each for each in tensors((arguments, named)) if each.is_cpu and each.ndim]
        if of_host and any(each.is_meta for each in tensors((arguments, named, result))):
            raise RuntimeError(f"{function} copies {tuple(of_host[0].shape)} from the host")
        return result


def tensors(values: Any) -> Iterable[Tensor]:
    return [each for each in tree_leaves(values) if isinstance(each, Tensor)]


def step(potential: Potential, optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam) -> None:
    """Do a training step on a device without values."""
    batch = Batch.from_frames(*blocks(forces=True)).to(META)
    has_forces = type(potential).__name__ != "CompositionBaseline"
    task = GradientTask(potential.train(), EnergyForcesLoss(forces=float(has_forces))).to(META)
    sampler = SimpleNamespace(size=lambda number: len(batch.energy))
    loader = SimpleNamespace(batch_sampler=sampler)
    data = SimpleNamespace(seed=0)
    places = {
        "global_step": 0,
        "global_rank": 0,
        "world_size": 1,
        "accumulate_grad_batches": 1,
        "num_training_batches": 9,
    }
    task._trainer = SimpleNamespace(datamodule=data, train_dataloader=loader, fit_loop=None, **places)
    task.on_train_start()
    update = optimizer(task.parameters(), lr=0.1)
    with RefuseCopies(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "autocast", lambda *arguments, **named: nullcontext())  # torch has none for this device
        loss = task.training_step(batch, 0)
        task.backward(loss)
        update.step()


@pytest.mark.parametrize("config", [config for config in CONFIGS if config.stem != "sgdml"], ids=lambda each: each.stem)
def test_no_step_makes_the_host_wait(config: Path) -> None:
    step(build(config, seed=0).float())  # a kernel is solved, and trains without steps


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_no_optimizer_makes_the_host_wait(name: str) -> None:
    step(build(next(config for config in CONFIGS if config.stem == "pairwise"), seed=0).float(), OPTIMIZERS[name])
