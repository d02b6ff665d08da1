"""A file of MACE's package, which is a pickled program, becomes settings and weights of a potential."""

from __future__ import annotations

import io
from typing import Any, get_args

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch, Prediction
from potbench.errors import CheckpointError
from potbench.potentials.mace import MACE, Interaction
from potbench.potentials.mace_import import contained, mace_modules
from potbench.structures import SYMBOLS

EXPECTED = "Expected MACE or ScaleShiftMACE of the package mace-torch, for energies of molecules alone"
LARGEST_DIFFERENCE = {torch.float64: 1e-10, torch.float32: 1e-4}
"""Between what the file computes and what the potential does, relative to the largest energy and force."""


def read_by_running(content: bytes) -> tuple[MACE, dict[str, Any]]:
    """Read a file of MACE's package; THIS RUNS WHATEVER THE FILE HOLDS, so it must be trusted.

    The potential is built anew of the settings and weights that are found, and compared with what the file computes of
    molecules of three atoms, of all its elements.

    Args:
        content: of the file.

    Returns:
        The potential, in the precision of the file, and the arguments that build it.

    Raises:
        CheckpointError: the file holds something else, or a MACE of another shape.
        MissingPackageError: mace-torch is not installed.
    """
    mace_modules()
    with contained():
        try:
            model = torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)
        except Exception as error:  # whatever runs can raise anything
            raise CheckpointError(f"The file cannot be read ({type(error).__name__}: {error}). {EXPECTED}.") from error
        arguments = _arguments(model)
        dtype = next(model.parameters()).dtype
        potential = MACE(**arguments)
    if dtype == torch.float64:
        potential.double()
    _take_weights(potential, model)
    _compare(potential.eval(), model.eval())
    return potential, arguments


def _arguments(model: Any) -> dict[str, Any]:
    """Return the arguments that build a potential of the same shape."""
    if type(model).__name__ not in {"MACE", "ScaleShiftMACE"} or not type(model).__module__.startswith("mace."):
        raise CheckpointError(f"The file holds {type(model).__module__}.{type(model).__name__}. {EXPECTED}.")
    heads = list(getattr(model, "heads", ["Default"]))
    if len(heads) > 1:
        raise CheckpointError(
            f"The file holds a MACE of {len(heads)} heads: {', '.join(heads)}. Expected one. Extract one by MACE's own "
            "command, mace_select_head."
        )
    try:
        first = model.interactions[0]
        hidden = [(part.mul, part.ir.l, part.ir.p) for part in model.products[0].linear.irreps_out]
        arguments = {
            "elements": [SYMBOLS[number] for number in model.atomic_numbers.tolist()],
            "num_features": hidden[0][0],
            "max_degree": hidden[-1][1],
            "direction_degree": int(model.spherical_harmonics._lmax),
            "correlation": len(model.products[0].symmetric_contractions.contractions[0].weights) + 1,
            "num_interactions": int(model.num_interactions),
            "num_functions": len(model.radial_embedding.bessel_fn.bessel_weights),
            "num_neighbors": float(first.avg_num_neighbors),
            "cutoff": float(model.r_max),
            "first_interaction": type(first).__name__,
            "interaction": type(model.interactions[-1]).__name__,
            "readout_features": int(model.readouts[-1].hidden_irreps.dim),
            "radial_sizes": [int(size) for size in first.conv_tp_weights.hs[1:-1]],
            "envelope_power": int(model.radial_embedding.cutoff_fn.p),
            "distance_transform": _distance_transform(model.radial_embedding),
            "pair_repulsion": hasattr(model, "pair_repulsion_fn"),
        }
    except (AttributeError, TypeError, IndexError, ValueError) as error:
        raise _unknown(str(error)) from error
    for name in ("first_interaction", "interaction"):
        if arguments[name] not in get_args(Interaction):
            raise _unknown(f"its messages are exchanged by {arguments[name]}")
    if hidden != [(hidden[0][0], degree, (-1) ** degree) for degree in range(len(hidden))]:
        raise _unknown(f"its features are {model.products[0].linear.irreps_out}")
    return arguments


def _distance_transform(embedding: Any) -> str | None:
    transform = getattr(embedding, "distance_transform", None)
    return None if transform is None else type(transform).__name__.removesuffix("Transform")


def _unknown(reason: str) -> CheckpointError:
    return CheckpointError(f"The file holds a MACE of a shape that potbench does not know: {reason}. {EXPECTED}.")


def _take_weights(potential: MACE, model: Any) -> None:
    """Copy weights, reference energies, scale and shift."""
    theirs: dict[str, Tensor] = model.state_dict()
    scale, shift = (theirs.pop(f"scale_shift.{name}", None) for name in ("scale", "shift"))
    references = theirs["atomic_energies_fn.atomic_energies"].double().reshape(-1)
    potential.offset.copy_(references + (0 if shift is None else shift.double().reshape(-1)))
    potential.scale.fill_(1.0 if scale is None else float(scale))
    # which potbench adds, in double precision
    theirs["atomic_energies_fn.atomic_energies"] = torch.zeros_like(
        potential.network.state_dict()["atomic_energies_fn.atomic_energies"]
    )
    try:
        potential.network.load_state_dict(theirs)
    except RuntimeError as error:
        raise _unknown(str(error).splitlines()[1].strip()) from error


def _compare(potential: MACE, model: Any) -> None:
    """Raise CheckpointError unless the potential computes what the file does."""
    batch = _molecules(potential)
    element = potential.element(batch)
    dtype = next(potential.parameters()).dtype
    positions = batch.positions.to(dtype).requires_grad_()
    batch = batch.with_positions(positions)
    with contained():
        try:
            energy = model(potential.described(batch, element), compute_force=False)["energy"]
        except Exception as error:  # of another version of the package, whatever it lacks
            raise _unknown(f"it cannot compute ({type(error).__name__}: {error})") from error
    (gradient,) = torch.autograd.grad(energy.sum(), positions)
    ours: Prediction = potential(batch, forces=True)
    assert ours.forces is not None
    apart = max(
        float((ours.energy - energy).detach().abs().max() / ours.energy.detach().abs().max().clamp(min=1)),
        float((ours.forces + gradient).abs().max() / gradient.abs().max().clamp(min=1)),
    )
    if not apart <= LARGEST_DIFFERENCE[dtype]:
        raise _unknown(f"it computes something else than its settings say, by {apart:.1g}")


def _molecules(potential: MACE) -> Batch:
    """Return molecules of three atoms, each element in one, at distances from bonds to beyond the cutoff."""
    generator = torch.Generator().manual_seed(0)
    numbers = torch.tensor([SYMBOLS.index(symbol) for symbol in potential.elements])
    triples = torch.stack([numbers, numbers.roll(1), numbers[torch.randperm(len(numbers), generator=generator)]], dim=1)
    number = len(triples)
    distances = torch.linspace(0.8, 1.1 * potential.network_cutoff, number + 1)[:number].double()
    positions = torch.zeros(number, 3, 3, dtype=torch.float64)
    positions[:, 1, 0] = distances
    positions[:, 2, :2] = 1.5 + torch.rand(number, 2, dtype=torch.float64, generator=generator)
    sizes, energy = np.full(number, 3), np.zeros(number)
    return Batch.from_arrays(triples.reshape(-1).numpy(), positions.reshape(-1, 3).numpy(), sizes, energy)
