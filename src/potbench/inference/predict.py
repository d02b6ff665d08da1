"""python -m potbench predict: energies and forces of the structures in a file."""

from __future__ import annotations

import argparse
from pathlib import Path

from potbench.runs.folder import RunFolder
from potbench.runs.record import read_record

ENDINGS = (".xyz", ".extxyz", ".npz")


def predict(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.

    Raises:
        ValueError: an ending that cannot be written, or an element the potential does not know.
        FileNotFoundError: no such run or checkpoint.
        FileExistsError: the output is there already.
    """
    parser = argparse.ArgumentParser("python -m potbench predict", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of a run")
    parser.add_argument("--input", type=Path, required=True, help="any file of structures that ASE reads")
    parser.add_argument("--output", type=Path, required=True, help="file to write, .xyz (extended XYZ) or .npz")
    parser.add_argument("--ckpt_path", default="best", help="best, last, or a file (default: best)")
    parser.add_argument("--batch_size", type=int, default=256, help="structures at once (default: 256)")
    options = parser.parse_args(words)
    if options.output.suffix not in ENDINGS:
        raise ValueError(f"--output ends in {options.output.suffix!r}, expected one of {', '.join(ENDINGS)}.")
    if options.output.exists():
        raise FileExistsError(f"{options.output} exists, and nothing is overwritten. Change --output.")
    if options.batch_size < 1:
        raise ValueError(f"--batch_size is {options.batch_size}, expected at least 1.")
    folder = RunFolder(options.run)
    folder.require()
    checkpoint = folder.checkpoint(options.ckpt_path)
    # another property may have been trained in the place of energies
    unit = read_record(folder.path)["data"].get("units", {}).get("energy", "eV")
    num_molecules = predict_file(checkpoint, options.input, options.output, options.batch_size)
    print(f"{num_molecules} structures: energies in {unit} and forces in {unit}/Å are in {options.output}")


def predict_file(checkpoint: Path, structures: Path, output: Path, batch_size: int) -> int:
    """Predict every structure of a file; return how many there were."""
    import numpy as np
    import torch

    from potbench.batch import Batch
    from potbench.inference.structure_file import read_structures, write_predictions
    from potbench.runs.checkpoint import load_task

    blocks = read_structures(structures)
    potential = load_task(checkpoint).potential
    batches = [Batch.from_frames(*blocks[start : start + batch_size]) for start in range(0, len(blocks), batch_size)]
    for batch in batches:
        potential.refuse_unknown(batch)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    potential.to(device)
    predictions = [potential(batch.to(device), forces=True) for batch in batches]
    write_predictions(
        output,
        np.concatenate([block.atomic_numbers for block in blocks]),
        np.concatenate([block.positions[0] for block in blocks]),
        np.array([len(block.atomic_numbers) for block in blocks]),
        torch.cat([prediction.energy for prediction in predictions]).detach().cpu().numpy(),
        torch.cat([prediction.forces for prediction in predictions]).double().cpu().numpy(),
    )
    return len(blocks)
