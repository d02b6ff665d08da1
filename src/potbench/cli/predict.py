"""python -m potbench predict."""

from __future__ import annotations

from pathlib import Path

from potbench.errors import SettingError


def predict(run: Path, *, input: Path, output: Path, ckpt_path: str = "best", batch_size: int = 256) -> None:  # noqa: A002 — it is the flag's name
    """Predict energies and forces of the structures in a file.

    Args:
        run: folder of a run.
        input: any file of structures that ASE reads.
        output: file to write, .xyz or .extxyz (extended XYZ) or .npz.
        ckpt_path: best, last, or a file.
        batch_size: structures at once.
    """
    from potbench.runs.folder import RunFolder

    if batch_size < 1:
        raise SettingError(predict, "batch_size", batch_size, "at least 1")
    if output.exists():
        problem = f"{output} exists, and nothing is overwritten"
        raise SettingError(predict, "output", str(output), "a new file", problem)
    folder = RunFolder(run)
    folder.require()
    checkpoint = folder.checkpoint(ckpt_path)

    from potbench.inference.predict import predict_file
    from potbench.inference.structure_file import ENDINGS
    from potbench.runs.record import Record

    if output.suffix not in ENDINGS:
        problem = f"The output ends in {output.suffix!r}"
        raise SettingError(predict, "output", str(output), f"one of {', '.join(ENDINGS)}", problem)
    # another property may have been trained in the place of energies
    unit = Record.load(folder.path).data.units.energy
    num_structures = predict_file(checkpoint, input, output, batch_size)
    print(f"{num_structures} structures: energies in {unit} and forces in {unit}/Å are in {output}")
