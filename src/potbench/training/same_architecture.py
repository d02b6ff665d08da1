"""Whether two potentials are of one architecture, so that the weights of one mean the same in the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from potbench.potentials.potential import Potential
from potbench.potentials.repulsion import Repulsion

NO_CONSTANTS = {"training", "given_scale"}
"""Of modules and potentials; the scale itself is taken over."""


def differences(parent: Potential, potential: Potential, new: Collection[str] = ()) -> Iterator[str]:
    """Yield how two potentials differ, in words, layer by layer: classes, shapes of weights, and constants.

    Constants matter as much as shapes: with another cutoff or another activation function, the same weights give other
    energies. Probabilities of dropout are for training alone and may differ.

    Args:
        parent: whose weights are to be taken over.
        potential: that is to take them over.
        new: chemical symbols that the parent lacks; layers of theirs alone are no difference.
    """
    theirs, ours = dict(parent.named_modules()), dict(potential.named_modules())
    tables = potential.element_tables()
    unlike: list[str] = []
    for name in [*theirs, *(name for name in ours if name not in theirs)]:
        if is_of(name, new) or name.startswith(tuple(f"{layer}." for layer in unlike)):
            continue
        one, other = theirs.get(name), ours.get(name)
        if one is None or other is None or _class(one) is not _class(other):
            yield f"{name or 'the potential'} is {_kind(one)} in the parent, {_kind(other)} here"
            unlike.append(name)
            if not name:
                return
            continue
        shapes, others = _shapes(one), _shapes(other)
        for weight in sorted(shapes.keys() | others.keys()):
            path = f"{name}.{weight}".lstrip(".")
            if shapes.get(weight) != others.get(weight) and path not in tables:
                yield f"{path} has {_shape(shapes.get(weight))} in the parent, {_shape(others.get(weight))} here"
        if shapes == others:
            constants, our_constants = _constants(one), _constants(other)
            for key, value in constants.items():
                if not _same(value, our_constants.get(key)):
                    path = f"{name}.{key}".lstrip(".")
                    yield f"{path} is {_value(value)} in the parent, {_value(our_constants.get(key))} here"


def is_of(name: str, elements: Collection[str]) -> bool:
    """Return whether a layer or weight belongs to one of these elements alone, by its name: networks.Cl.0.weight."""
    return bool(set(name.split(".")) & set(elements))


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(weight.shape) for name, weight in module.named_parameters(recurse=False)}


def _constants(module: nn.Module) -> dict[str, object]:
    """Return plain values and arrays that decide what a layer computes, apart from its weights."""
    # a repulsion is that of elements and training set
    if isinstance(module, nn.modules.dropout._DropoutNd | Repulsion):
        return {}
    plain = {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in NO_CONSTANTS and isinstance(value, int | float | str | None)
    }
    # offset, scale and tables of elements are those of the data
    arrays = {} if isinstance(module, Potential) else dict(module.named_buffers(recurse=False))
    return {**plain, **arrays, **({"code": module.code} if isinstance(module, GraphModule) else {})}


def _class(module: nn.Module) -> type[nn.Module]:
    """Return the class of a layer; a traced one has a class of its own, and is compared by its code."""
    return GraphModule if isinstance(module, GraphModule) else type(module)


def _same(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        # computed anew, they may differ by rounding
        return one.shape == other.shape and torch.allclose(one.double(), other.double(), rtol=1e-5)
    return one == other


def _kind(module: nn.Module | None) -> str:
    return "nothing" if module is None else type(module).__name__


def _shape(shape: tuple[int, ...] | None) -> str:
    return "no weights" if shape is None else f"shape {shape}"


def _value(value: object) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    return str(value.tolist()) if value.numel() <= 4 else f"an array of shape {tuple(value.shape)}"
