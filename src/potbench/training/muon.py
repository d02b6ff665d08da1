"""An optimizer that steps along singular vectors of matrices, and is Adam for all other weights."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.adamw import adamw
from typing_extensions import override

from potbench.errors import require_fraction, require_not_negative, require_positive
from potbench.training.cuda_graph import Captured
from potbench.training.orthogonalization import orthogonalize

SCALE = 0.2
"""Root mean square of the steps of Adam over the learning rate, as often measured; those of matrices are as long."""


class Muon(Optimizer):
    """Muon for matrices, AdamW for all other weights, at one learning rate.

    M ← β₁ M + (1 - β₁) g,   D = β₁ M + (1 - β₁) g,   W ← (1 - λ η) W - η · 0.2 √(larger side) · U Vᵀ,   D = U S Vᵀ

    η: learning rate, λ: weight_decay, g: gradient. All directions of a matrix, from the inputs to the outputs of a
    layer, so have steps of one length, however small their share of the gradient.

    Source: Jordan et al., https://kellerjordan.github.io/posts/muon; factor of the steps by Liu et al.,
    doi:10.48550/arXiv.2502.16982.

    Args:
        params: weights, or groups of them.
        lr: learning rate.
        betas: shares of the last step in the means of the gradients (also that of matrices) and of their squares.
        eps: of AdamW.
        weight_decay: what weights lose in a step, over the learning rate.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        require_not_negative(self, lr=lr, weight_decay=weight_decay)
        require_positive(self, eps=eps)
        require_fraction(self, betas=betas[0])
        require_fraction(self, betas=betas[1])
        self.tables: set[Tensor] = set()
        self._orthogonalize = Captured(orthogonalize)
        # fused: so that torch restores the number of steps on the device of the weights
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "fused": True})

    def leave_out_tables(self, module: nn.Module) -> None:
        """Leave the embeddings of a module to AdamW.

        Their rows are weights of one element each, and not the directions of a map: a step as far along all singular
        vectors would be as far for the elements that are rare.

        Args:
            module: has the weights.
        """
        self.tables = {layer.weight for layer in module.modules() if isinstance(layer, nn.Embedding | nn.EmbeddingBag)}

    def is_matrix(self, weight: Tensor) -> bool:
        """Return whether the steps of a weight are orthogonalized.

        It has two dimensions, or more for a batch of matrices, such as one for each element. What has a single row or
        column, such as the last layer of an energy, has a single direction, in which Muon would take steps of constant
        length.
        """
        return weight.ndim >= 2 and min(weight.shape[-2:]) >= 2 and weight not in self.tables

    @property
    def has_matrices(self) -> bool:
        """Whether there is anything to orthogonalize."""
        return any(self.is_matrix(weight) for group in self.param_groups for weight in group["params"])

    @torch.no_grad()
    @override
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            matrices = [weight for weight in weights if self.is_matrix(weight)]
            others = [weight for weight in weights if not self.is_matrix(weight)]
            if matrices:
                self._step_matrices(group, matrices)
            if others:
                self._step_others(group, others)
        return loss

    def _step_matrices(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        beta, rate = group["betas"][0], group["lr"]
        gradients = _gradients(weights)
        means = [self._state_of(weight, "exp_avg")["exp_avg"] for weight in weights]
        torch._foreach_lerp_(means, gradients, 1 - beta)
        directions = torch._foreach_lerp(gradients, means, beta)
        if group["weight_decay"]:
            torch._foreach_mul_(weights, 1 - rate * group["weight_decay"])
        # matrices of one shape in one product
        alike: dict[Hashable, list[int]] = defaultdict(list)
        for number, weight in enumerate(weights):
            alike[weight.shape[-2:], weight.dtype, weight.device].append(number)
        shapes = list(alike.values())
        matrices = [direction.reshape(-1, *direction.shape[-2:]) for direction in directions]
        stacks = self._orthogonalize([torch.cat([matrices[number] for number in numbers]) for numbers in shapes])
        steps: dict[int, Tensor] = {}
        for numbers, stack in zip(shapes, stacks, strict=True):
            stack.mul_(rate * (SCALE * math.sqrt(max(stack.shape[1:]))))
            steps |= zip(numbers, torch.split(stack, [len(matrices[number]) for number in numbers]), strict=True)
        torch._foreach_sub_(weights, [steps[number].view_as(weight) for number, weight in enumerate(weights)])

    def _step_others(self, group: dict[str, Any], weights: list[Tensor]) -> None:
        states = [self._state_of(weight, "exp_avg", "exp_avg_sq", "step") for weight in weights]
        adamw(
            weights,
            _gradients(weights),
            [state["exp_avg"] for state in states],
            [state["exp_avg_sq"] for state in states],
            [],
            [state["step"] for state in states],
            fused=True,
            amsgrad=False,
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            lr=group["lr"],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            maximize=False,
        )

    def _state_of(self, weight: Tensor, *names: str) -> dict[str, Tensor]:
        """Return what is remembered of a weight: zeros at first; a number of steps has no dimension."""
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            for name in names:
                state[name] = weight.new_zeros(()).float() if name == "step" else torch.zeros_like(weight)
        return state


def _gradients(weights: list[Tensor]) -> list[Tensor]:
    return [weight.grad for weight in weights if weight.grad is not None]
