"""Training steps that are compiled: some dozen passes over memory in place of thousands of operations."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import platformdirs
import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from typing_extensions import override

from potbench.batch import Batch
from potbench.loading import AtomsDataModule
from potbench.training import static_step
from potbench.training.changing_loss import ChangingLoss
from potbench.training.static_step import Compute, Outputs, outputs, places, signature, tensors

OFTEN = 0.1
"""Share of the batches of an epoch from which on those of a size are compiled; the last ones may have a frame less."""
TOLERANCE = 1e-3
"""Largest difference of losses, and of the gradient of a weight, from those of the step as it was, relative to them."""
MIXED_TOLERANCE = 0.1
"""The same in bf16-mixed: compiled, fewer numbers are rounded to it on the way."""
ROUNDING = 0.01
"""Share of the largest gradient that counts as much as a weight's own, for those that are sums of nearly nothing."""
FOLDER = "TORCHINDUCTOR_CACHE_DIR"
"""Environment variable with the folder of what was compiled, in which another training with such steps finds it."""
RANDOM: dict[str, Any] = {"fallback_random": True}  # numbers of other steps
OPTIONS: dict[str, dict[str, Any]] = {
    "cpu": {
        **RANDOM,
        "cpp_wrapper": True,  # one program in place of one for each of its loops: three quarters of the time to compile
        "cpp.threads": 1,  # several would add up in any order, and a rerun would end at other numbers
        "compile_threads": 1,  # no processes that wait for further files
        "cpp_cache_precompile_headers": False,  # which torch would keep where others may write, and one file needs once
    },
    "cuda": RANDOM,
}
"""Type of a device → how programs for it are compiled."""


def translated(program: nn.Module, inputs: Sequence[Tensor]) -> Callable[..., Sequence[Tensor]]:
    """Compile a traced step, or find what an earlier training compiled.

    Args:
        program: what make_fx traced. torch.compile would trace it once more, in two thirds of the time that it takes to
            find what was compiled.
        inputs: of the shapes that it was traced with.
    """
    from torch._inductor import compile as compile_graph

    keep_apart()
    options = OPTIONS[inputs[0].device.type]
    compiled: Callable[..., Sequence[Tensor]] = compile_graph(program, list(inputs), options=options)
    return compiled


def keep_apart() -> None:
    """Have programs kept in a folder of the user, unless one is named: others may write to that of torch."""
    from torch._inductor.runtime.cache_dir_utils import default_cache_dir

    if os.environ.get(FOLDER) in {None, default_cache_dir()}:  # torch sets it as well
        os.environ[FOLDER] = str(platformdirs.user_cache_path("potbench") / "programs")


def require_compiler(device: torch.device) -> None:
    """Raise RuntimeError where there is no compiler, before time is spent on what it is to compile."""
    from torch._inductor.cpp_builder import get_cpp_compiler  # takes a second, and few trainings need it
    from torch.utils._triton import has_triton

    get_cpp_compiler()  # for a GPU, it compiles what starts the kernels
    if device.type != "cpu" and not has_triton():
        raise RuntimeError("Triton is not installed, or does not know this GPU")


@contextmanager
def _as_traced(device: torch.device) -> Iterator[None]:
    """Add no gradients and conversions to a program, which has its own."""
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        yield


class CompiledStep:
    """A training step with batches of some shapes, compiled for the device that they are on.

    It is traced with the weights as inputs, so that it is computed with what they are at the time.

    Args:
        compute: the step, of a batch.
        batch: of these shapes.
        module: has the weights.
        state: its weights and buffers by name.

    Raises:
        RuntimeError: what the step does depends on more than the shapes of its batch, or it cannot be compiled.
    """

    is_compiled = True

    def __init__(
        self, compute: Callable[[Batch], Outputs], batch: Batch, module: nn.Module, state: dict[str, Tensor]
    ) -> None:
        from torch.fx.experimental.proxy_tensor import make_fx  # takes a second, and few trainings need it

        whole = _Step(module, compute)
        has_gradient: list[bool] = []

        def flat(*values: Tensor) -> tuple[Tensor, ...]:
            given = {f"module.{name}": value for name, value in zip(state, values, strict=False)}
            of_batch = iter(values[len(state) :])
            traced = batch.map(lambda _: next(of_batch))._replace(keeps_shapes=True, memory=None)
            loss, losses, gradients = torch.func.functional_call(whole, given, (traced,), tie_weights=False)
            has_gradient[:] = [gradient is not None for gradient in gradients]
            return (loss, losses, *(gradient for gradient in gradients if gradient is not None))

        self._state = list(state.values())
        program = make_fx(flat, tracing_mode="fake")(*self._state, *tensors(batch))
        self._has_gradient = has_gradient
        self._device = batch.positions.device
        with _as_traced(self._device):
            self._program = translated(program, self._inputs(batch))

    def __call__(self, batch: Batch) -> Outputs:
        """Compute the step of another batch."""
        with _as_traced(self._device):
            loss, losses, *found = self._program(*self._inputs(batch))
        gradients = iter(found)
        return Outputs(loss, losses, tuple(next(gradients) if has else None for has in self._has_gradient))

    def _inputs(self, batch: Batch) -> list[Tensor]:
        return [*(each.detach() for each in self._state), *tensors(batch)]


class CompiledSteps:
    """The compiled steps of a training.

    Which steps are compiled follows from the sizes of their batches, not from what was trained on before: a resumed
    training does what an uninterrupted one does.

    Args:
        compute: batch and settings, of any kind → loss of the batch, and of its molecules.
        sizes: of batches, in frames, that are compiled.
        say: prints a line.
    """

    def __init__(self, compute: Compute, sizes: set[int], say: Callable[[str], None]) -> None:
        self.compute = compute
        self.sizes = sizes
        self.say = say
        self._can_compile = True
        self._places: tuple[int, ...] = ()
        self._steps: dict[Hashable, CompiledStep] = {}

    def begin_epoch(self, module: nn.Module, trained: Sequence[Tensor]) -> None:
        """Forget the compiled steps if weights are elsewhere, or others are trained.

        Args:
            module: has all weights and buffers.
            trained: the weights whose gradients are computed.
        """
        if (found := places(module, trained)) != self._places:
            self._places, self._trained, self._steps = found, trained, {}
            self._module = module

    def find(self, batch: Batch, *settings: Hashable) -> CompiledStep | None:
        """Return what computes the step of a batch; None where it is to be computed as ever.

        Args:
            batch: of the training.
            settings: further arguments of the step.
        """
        if not self._can_compile or len(batch.atoms_per_molecule) not in self.sizes:
            return None
        key = (*signature(batch), *settings)
        if key not in self._steps:
            try:
                self._steps[key] = self._compile(batch, settings)
            except Exception as error:  # of a compiler, whatever stands in the way
                self._can_compile = False
                problem = str(error).strip() or type(error).__name__
                self.say(f"Training steps are not compiled: {problem.splitlines()[0]}.")
                return None
        return self._steps[key]

    def _compile(self, batch: Batch, settings: Sequence[Hashable]) -> CompiledStep:
        if batch.cached is not None and batch.cached.position_gradient is not None:
            raise RuntimeError("derivatives of features are cached, and steps with them are short as they are")
        device = batch.positions.device
        require_compiler(device)
        size = len(batch.atoms_per_molecule)
        self.say(f"Compiling training steps of {size} frames, for minutes unless an earlier training has …")
        began = time.perf_counter()
        state = {**dict(self._module.named_parameters()), **dict(self._module.named_buffers())}
        names = {id(weight): name for name, weight in state.items()}
        trained = [attrgetter(names[id(weight)]) for weight in self._trained]

        def compute(of_step: Batch) -> Outputs:
            return outputs(self.compute, of_step, [find(self._module) for find in trained], settings)

        step = CompiledStep(compute, batch, self._module, state)
        computed = []
        for of_batch in (step, compute):
            with torch.random.fork_rng([device] if device.type == "cuda" else []):
                computed.append(of_batch(batch))
        _require_close(*computed)
        self.say(f"Compiled in {time.perf_counter() - began:.0f} s.")
        return step


class _Step(nn.Module):
    """What computes a step, as a module whose weights can be given."""

    def __init__(self, module: nn.Module, compute: Callable[[Batch], Outputs]) -> None:
        super().__init__()
        self.module = module
        self.compute = compute

    @override
    def forward(self, batch: Batch) -> Outputs:
        return self.compute(batch)


def _require_close(found: Outputs, expected: Outputs) -> None:
    """Raise RuntimeError where a compiled step computes anything else."""
    pairs = zip((found.losses, *found.gradients), (expected.losses, *expected.gradients), strict=True)
    compared = [(one, other) for one, other in pairs if one is not None and other is not None]
    largest = max(float(other.abs().max()) for _, other in compared[1:])
    for one, other in compared:
        tolerance = MIXED_TOLERANCE if torch.is_autocast_enabled(other.device.type) else TOLERANCE
        limit = tolerance * (float(other.abs().max()) + (0.0 if other is expected.losses else ROUNDING * largest))
        if not (difference := float((one - other).abs().max())) <= limit:
            name = "losses" if other is expected.losses else "gradients"
            raise RuntimeError(f"compiled, {name} would be off by {difference:.2g}, of {float(other.abs().max()):.2g}")


def common_sizes(sizes: Sequence[int]) -> set[int]:
    """Return the sizes that many of the batches of an epoch have."""
    return {size for size, count in Counter(sizes).items() if count >= OFTEN * len(sizes)}


def obstacle(task: LightningModule) -> str | None:
    """Return why steps of a training cannot be compiled; None where they can."""
    if task.device.type not in OPTIONS:
        return f"there is no compiler for {task.device.type}"
    if isinstance(task.loss, ChangingLoss):
        return "the weights of the loss change"
    data: AtomsDataModule = task.trainer.datamodule  # type: ignore[attr-defined]
    composition = data.store.composition(data.indices.train, data.store.manifest.atomic_numbers)
    if (composition != composition[0]).any():
        return "molecules of several compositions make batches of many shapes"
    return static_step.obstacle(task)
