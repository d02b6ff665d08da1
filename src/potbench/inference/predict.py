"""Energies and forces of any structures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.inference.structure_file import read_structures, write_structures
from potbench.laws.precision import default_dtype
from potbench.potentials.potential import Potential
from potbench.runs.allowed import NOTHING_ELSE, Allowed
from potbench.runs.checkpoint import load_potential
from potbench.structures import FloatArray, Frames


def predict_file(
    checkpoint: Path, structures: Path, output: Path, batch_size: int, allowed: Allowed = NOTHING_ELSE
) -> int:
    """Predict energies and forces of every structure of a file, on a GPU where there is one.

    Args:
        checkpoint: of a run.
        structures: any file that ASE reads.
        output: file to write; see `write_structures`.
        batch_size: structures at once.
        allowed: packages whose classes the checkpoint may name, beside those of potbench.

    Returns:
        How many structures there are.

    Raises:
        CheckpointError: the potential cannot be loaded.
        SettingError: the checkpoint names classes of other packages.
        DataFileError: the structures cannot be read.
        UnknownMoleculeError: a structure that the potential was not made for.
    """
    frames = read_structures(structures)
    potential = load_potential(checkpoint, allowed)
    potential.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    write_structures(output, predict(potential, frames, batch_size))
    return len(frames)


def predict(potential: Potential, chunks: Sequence[Frames], batch_size: int = 256) -> list[Frames]:
    """Return the same structures with predicted energies and forces, in the precision of the potential's weights.

    Args:
        potential: on any device, in evaluation mode.
        chunks: structures; one chunk holds conformers of one molecule.
        batch_size: chunks at once.

    Raises:
        UnknownMoleculeError: a structure that the potential was not made for; found before anything is predicted.
    """
    parts = [chunks[start : start + batch_size] for start in range(0, len(chunks), batch_size)]
    # of the weights alone: buffers such as the offset are double anyway; without weights, torch's default
    trained_in = next((weight.dtype for weight in potential.parameters()), torch.get_default_dtype())
    with default_dtype(trained_in):
        batches = [Batch.from_frames(*part) for part in parts]
    for batch in batches:
        potential.refuse_unknown(batch)
    device = next(potential.buffers()).device
    predicted = []
    for part, batch in zip(parts, batches, strict=True):
        with default_dtype(trained_in):
            prediction = potential(batch.to(device), forces=True)
        energies = _divided(prediction.energy, [len(chunk.energy) for chunk in part])
        forces = _divided(prediction.forces.double(), [chunk.positions[..., 0].size for chunk in part])
        predicted += [
            chunk._replace(energy=energy, forces=of_atoms.reshape(chunk.positions.shape))
            for chunk, energy, of_atoms in zip(part, energies, forces, strict=True)
        ]
    return predicted


def _divided(values: Tensor, lengths: list[int]) -> list[FloatArray]:
    return [part.numpy() for part in torch.split(values.detach().cpu(), lengths)]
