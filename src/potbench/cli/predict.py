"""python -m potbench predict."""

from __future__ import annotations

from pathlib import Path

from potbench.errors import SettingError, require_new_file


def predict(
    run: Path,
    *,
    input: Path,  # noqa: A002 — it is the flag's name
    output: Path,
    ckpt_path: str = "best",
    batch_size: int = 256,
    allow: list[str] = [],  # noqa: B006 — never changed; the parser takes None for no list
) -> None:
    """Predict energies and forces of the structures in a file.

    Names, charges and columns of the structures are kept; the names of columns that are called as predictions are begin
    with reference_. Labels are taken along, and compared with the predictions.

    Args:
        run: folder of a run.
        input: any file of structures that ASE reads.
        output: file to write, .xyz or .extxyz (extended XYZ) or .npz.
        ckpt_path: best, last, or a file.
        batch_size: most structures at once; fewer of large ones.
        allow: packages that you trust, whose classes the checkpoint may name beside those of potbench.
    """
    from potbench.runs.folder import RunFolder

    if batch_size < 1:
        raise SettingError(predict, "batch_size", batch_size, "at least 1")
    require_new_file(predict, output=output)
    folder = RunFolder(run)
    folder.require()
    checkpoint = folder.checkpoint(ckpt_path)

    from potbench.inference.predict import predict_file
    from potbench.inference.report import print_predicted
    from potbench.inference.structure_file import ENDINGS
    from potbench.runs.allowed import Allowed
    from potbench.runs.record import Record
    from potbench.runs.trained_on import TrainedOn

    if output.suffix not in ENDINGS:
        problem = f"The output ends in {output.suffix!r}"
        raise SettingError(predict, "output", str(output), f"one of {', '.join(ENDINGS)}", problem)
    # another property may have been trained in the place of energies
    unit = Record.load(folder.path).data.units.energy
    trained_on = TrainedOn.load(folder.trained_on) if folder.trained_on.is_file() else None
    predicted = predict_file(checkpoint, input, output, batch_size, trained_on, Allowed.by_flag(allow))
    print_predicted(predicted, output, unit, compared=trained_on is not None)
