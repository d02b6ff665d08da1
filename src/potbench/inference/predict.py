"""Energies and forces of any structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.inference.labels import Errors, errors, with_predictions
from potbench.inference.stated_units import is_converted
from potbench.inference.structure_file import frames_of, read_structures, write_structures
from potbench.laws.precision import default_dtype
from potbench.potentials.plausible import require_finite
from potbench.potentials.potential import Potential
from potbench.runs.allowed import NOTHING_ELSE, Allowed
from potbench.runs.checkpoint import load_potential
from potbench.runs.trained_on import TrainedOn
from potbench.structures import FloatArray, Frames, bounded_parts


class Predicted(NamedTuple):
    """What came of the structures of a file.

    Attributes:
        num_structures: how many there are.
        new_compositions: structures of compositions that were not trained on, by their numbers.
        outside: structures with atoms outside of the training set, by their numbers.
        errors: against the labels of the structures.
        converted: whether the file states units other than eV and Å.
        left_out: columns of the structures that the output cannot hold.
    """

    num_structures: int
    new_compositions: list[int]
    outside: list[int]
    errors: Errors
    converted: bool
    left_out: list[str]


def predict_file(
    checkpoint: Path,
    structures: Path,
    output: Path,
    batch_size: int,
    trained_on: TrainedOn | None = None,
    allowed: Allowed = NOTHING_ELSE,
) -> Predicted:
    """Predict energies and forces of every structure of a file, on a GPU where there is one.

    Args:
        checkpoint: of a run.
        structures: any file that ASE reads.
        output: file to write; see `write_structures`.
        batch_size: most structures at once; fewer of large ones.
        trained_on: the training set, with which the structures are compared; None where it is not known.
        allowed: packages whose classes the checkpoint may name, beside those of potbench.

    Raises:
        CheckpointError: the potential cannot be loaded.
        SettingError: the checkpoint names classes of other packages.
        DataFileError: the structures cannot be read, or nothing sensible can be predicted of one.
        UnknownMoleculeError: a structure that the potential was not made for, or that it predicts NaN for.
        OSError: the output cannot be written.
    """
    read = read_structures(structures)
    potential = load_potential(checkpoint, allowed)
    potential.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    frames = frames_of(read)
    output.parent.mkdir(parents=True, exist_ok=True)  # fails before anything is predicted
    labelled = with_predictions(read, predict(potential, frames, batch_size))
    new: list[int] = []
    outside: list[int] = []
    if trained_on:
        new = [number for number, atoms in enumerate(read) if not trained_on.knows_composition(atoms.numbers)]
        extrapolation = _extrapolation(trained_on, frames)
        outside = [number for number, far in enumerate(extrapolation) if (far > 1).any()]
        for number, (atoms, far) in enumerate(zip(labelled, extrapolation, strict=True)):
            atoms.arrays["extrapolation"] = far
            atoms.info["new_composition"] = number in new
    left_out = write_structures(output, labelled)
    converted = any(is_converted(atoms) for atoms in read)
    return Predicted(len(read), new, outside, errors(labelled), converted, left_out)


def predict(potential: Potential, chunks: Sequence[Frames], batch_size: int = 256) -> list[Frames]:
    """Return the same structures with predicted energies and forces, in the precision of the potential's weights.

    Of an ensemble, the columns energy_spread (frames,), eV, and forces_spread (frames, atoms, 3), eV/Å, are added.

    Args:
        potential: on any device, in evaluation mode.
        chunks: structures; one chunk holds conformers of one molecule.
        batch_size: most chunks at once; fewer where these are large.

    Raises:
        UnknownMoleculeError: a structure that the potential was not made for, found before anything is predicted; or
            one that it predicts NaN for.
    """
    # of the weights alone: buffers such as the offset are double anyway; without weights, torch's default
    trained_in = next((weight.dtype for weight in potential.parameters()), torch.get_default_dtype())
    for chunk in {chunk.atomic_numbers.tobytes(): chunk for chunk in chunks}.values():
        potential.refuse_unknown(Batch.from_frames(_first(chunk)))
    device = next(potential.buffers()).device
    predicted: list[Frames] = []
    for part in _parts(chunks, batch_size):
        with default_dtype(trained_in):
            exact = torch.from_numpy(np.concatenate([chunk.positions.reshape(-1, 3) for chunk in part]))
            batch = Batch.from_frames(*part).with_positions(potential.positions(exact))
            prediction = potential(batch.to(device), forces=True)
        num_frames = [len(chunk.energy) for chunk in part]
        num_atoms = [chunk.positions[..., 0].size for chunk in part]
        energies = _divided(prediction.energy, num_frames)
        forces = _divided(prediction.forces.double(), num_atoms)
        spreads: list[dict[str, FloatArray]] = [{} for _ in part]
        if prediction.energy_spread is not None and prediction.forces_spread is not None:
            of_energies = _divided(prediction.energy_spread, num_frames)
            of_forces = _divided(prediction.forces_spread.double(), num_atoms)
            spreads = [
                {"energy_spread": one, "forces_spread": other.reshape(chunk.positions.shape)}
                for chunk, one, other in zip(part, of_energies, of_forces, strict=True)
            ]
        for chunk, energy, of_atoms, columns in zip(part, energies, forces, spreads, strict=True):
            shaped = of_atoms.reshape(chunk.positions.shape)
            require_finite(f"Structure {chunk.molecule}", chunk.atomic_numbers, energy, shaped)
            predicted.append(chunk._replace(energy=energy, forces=shaped, columns=columns or chunk.columns))
    return predicted


def _first(chunk: Frames) -> Frames:
    return chunk._replace(positions=chunk.positions[:1], energy=chunk.energy[:1], forces=None)


def _parts(chunks: Sequence[Frames], batch_size: int | None = None) -> Iterator[Sequence[Frames]]:
    # conformers of one chunk stay together, so that they count as frames without pairs between them
    atoms = np.array([chunk.positions[..., 0].size for chunk in chunks], dtype=np.int64)
    for part in bounded_parts(atoms, batch_size):
        yield chunks[part]


def _extrapolation(trained_on: TrainedOn, frames: Sequence[Frames]) -> list[FloatArray]:
    with default_dtype(torch.float64):
        return [
            far
            for part in _parts(frames)
            for far in np.split(
                trained_on.extrapolation(Batch.from_frames(*part)),
                np.cumsum([len(chunk.atomic_numbers) for chunk in part])[:-1],
            )
        ]


def _divided(values: Tensor, lengths: list[int]) -> list[FloatArray]:
    return [part.numpy() for part in torch.split(values.detach().cpu(), lengths)]
