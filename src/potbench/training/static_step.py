"""Training steps of which only the numbers change: all that they do follows from the shapes of their batch."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch import Tensor, nn

from potbench.batch import Batch


class Outputs(NamedTuple):
    """What a step computes.

    Attributes:
        loss: shape (), of the batch.
        losses: shape (molecules,), of its molecules.
        gradients: of each weight that is trained; None where the loss does not depend on it.
    """

    loss: Tensor
    losses: Tensor
    gradients: tuple[Tensor | None, ...]


Compute: TypeAlias = Callable[..., tuple[Tensor, Tensor]]
"""Batch and settings → loss of the batch, and of its molecules."""


def outputs(compute: Compute, batch: Batch, trained: Sequence[Tensor], settings: Sequence[Hashable]) -> Outputs:
    """Compute a step.

    Args:
        compute: the loss.
        batch: on the device that trains.
        trained: the weights whose gradients are computed.
        settings: further arguments of the loss.
    """
    torch.clear_autocast_cache()  # weights that were converted outside would stay what they are
    loss, losses = compute(batch, *settings)
    with torch.autocast(loss.device.type, enabled=False):  # as Lightning has it
        found = torch.autograd.grad(loss, list(trained), allow_unused=True)
    gradients = tuple(
        None if gradient is None else _in_layout_of(weight, gradient)
        for weight, gradient in zip(trained, found, strict=True)
    )
    return Outputs(loss.detach(), losses.detach(), gradients)


def _in_layout_of(weight: Tensor, gradient: Tensor) -> Tensor:
    """Return a gradient with the strides of its weight, as torch's fused optimizers need it on a GPU."""
    if gradient.stride() == weight.stride():
        return gradient
    return torch.empty_like(weight).copy_(gradient)


def places(module: nn.Module, trained: Sequence[Tensor]) -> tuple[int, ...]:
    """Return what changes when weights or buffers are elsewhere, or others are trained."""
    return (*map(id, trained), *(each.data_ptr() for each in (*module.parameters(), *module.buffers())))


def tensors(batch: Batch) -> list[Tensor]:
    """Return the tensors of a batch, in a fixed order."""
    found: list[Tensor] = []

    def add(values: Tensor) -> Tensor:
        found.append(values)
        return values

    batch.map(add)
    return found


def signature(batch: Batch) -> tuple[Any, ...]:
    """Return what the shapes of all tensors of a step depend on."""
    return (
        *((each.shape, each.dtype) for each in tensors(batch)),
        *(value is None for value in batch),
        *batch.atoms_per_element.items(),
        batch.largest_molecule,
        batch.num_pairs,
    )


def obstacle(task: LightningModule) -> str | None:
    """Return why a step of a training is more than its loss and gradients; None where it is not."""
    trainer = task.trainer
    if not isinstance(trainer.strategy, SingleDeviceStrategy):
        return f"{type(trainer.strategy).__name__} adds what other devices compute"
    if trainer.precision == "16-mixed":
        return "precision 16-mixed repeats those that overflow, bf16-mixed does not"
    if trainer.accumulate_grad_batches > 1:
        return "gradients of several batches are added up"
    if torch.is_anomaly_enabled():
        return "each operation is searched for numbers that are not finite"
    return None
