"""Training steps that a GPU replays: the host starts one graph in place of thousands of kernels, one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.training import static_step
from potbench.training.compiled_step import CompiledStep, CompiledSteps
from potbench.training.cuda_graph import MOST, RECORDERS, WARM_UP, Recorder
from potbench.training.static_step import Compute, Outputs, outputs, places, signature, tensors

MANY = 1_000
"""Shapes of batches that are counted at once; data with more of them have batches that are never alike."""


class CapturedStep:
    """A training step with batches of some shapes, which is recorded once.

    Args:
        compute: the step, of a batch.
        batch: of these shapes.
        record: records it.
    """

    def __init__(self, compute: Callable[[Batch], Outputs], batch: Batch, record: Recorder) -> None:
        self.is_compiled = isinstance(compute, CompiledStep)
        static = batch.map(torch.clone)
        self._inputs = tensors(static)
        self._replay = record(lambda: compute(static))

    def __call__(self, batch: Batch) -> Outputs:
        """Compute the step of another batch; the gradients stay what they are until the next call."""
        for values, new in zip(self._inputs, tensors(batch), strict=True):
            values.copy_(new)
        loss, losses, gradients = self._replay()
        return Outputs(loss.clone(), losses.clone(), gradients)


class CapturedSteps:
    """The steps of a training, of which those that come again and again are captured.

    What a step does must follow from the shapes of its batch and from the settings: another batch of the same shapes is
    copied to where the first one was, and the same kernels run again.

    Args:
        compute: batch and settings, of any kind → loss of the batch, and of its molecules.
        record: records a step.
        say: prints a line.
        compiled: those that are compiled before; None for none.
    """

    def __init__(
        self, compute: Compute, record: Recorder, say: Callable[[str], None], compiled: CompiledSteps | None = None
    ) -> None:
        self.compute = compute
        self.record = record
        self.say = say
        self.compiled = compiled
        self._can_capture = True
        self._begin((), ())

    def begin_epoch(self, module: nn.Module, trained: Sequence[Tensor]) -> None:
        """Forget the captured steps if weights are elsewhere, or others are trained.

        Args:
            module: has all weights and buffers.
            trained: the weights whose gradients are computed.
        """
        if self.compiled:
            self.compiled.begin_epoch(module, trained)
        if (found := places(module, trained)) != self._places:
            self._begin(found, trained)

    def find(self, batch: Batch, *settings: Hashable) -> CapturedStep | None:
        """Return what replays the step of a batch; None where it is to be computed as ever.

        Args:
            batch: on the device that trains.
            settings: further arguments of the step.
        """
        key = (*signature(batch), *settings)
        if key in self._steps:
            return self._steps[key]
        if not self._can_capture or len(self._steps) == MOST:
            return None
        if len(self._seen) == MANY:
            self._seen.clear()
        self._seen[key] += 1
        if self._seen[key] <= WARM_UP:
            return None
        compiled = self.compiled.find(batch, *settings) if self.compiled else None
        compute = compiled or (lambda static: outputs(self.compute, static, self._trained, settings))
        try:
            self._steps[key] = CapturedStep(compute, batch, self.record)
        except RuntimeError as error:  # of torch, whatever stands in the way
            self._can_capture = False
            self.say(f"Training steps are not captured: {str(error).strip().splitlines()[0]}.")
            return None
        return self._steps[key]

    def _begin(self, found: tuple[int, ...], trained: Sequence[Tensor]) -> None:
        self._places, self._trained = found, trained
        self._seen: Counter[Hashable] = Counter()
        self._steps: dict[Hashable, CapturedStep] = {}


def obstacle(task: LightningModule) -> str | None:
    """Return why steps of a training cannot be captured; None where they can."""
    return static_step.obstacle(task) if task.device.type in RECORDERS else "only a GPU can replay them"
