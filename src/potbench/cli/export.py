"""python -m potbench export."""

from __future__ import annotations

from pathlib import Path

from potbench.errors import SettingError, require_new_file


def export(
    run: Path,
    *,
    output: Path,
    ckpt_path: str = "best",
    allow: list[str] = [],  # noqa: B006 — never changed; the parser takes None for no list
) -> None:
    """Write a potential as a file that torch runs without potbench: energy and forces of one molecule.

    Args:
        run: folder of a run.
        output: file to write, .pt2; `torch.export.load` reads it.
        ckpt_path: best, last, or a file.
        allow: packages that you trust, whose classes the checkpoint may name beside those of potbench.
    """
    from potbench.cli.trained import load_trained

    if output.suffix != ".pt2":
        raise SettingError(export, "output", str(output), "one that ends in .pt2", f"The output is {output}")
    require_new_file(export, output=output)
    potential = load_trained(run, ckpt_path, "cpu", allow)

    from potbench.inference.export import save, traced
    from potbench.runs.checkpoint import sha256
    from potbench.runs.folder import RunFolder

    try:
        program = traced(potential)
    except SettingError as refused:
        raise SettingError(export, "run", str(run), refused.expected, refused.problem) from refused
    save(program, potential, output, sha256(RunFolder(run).checkpoint(ckpt_path)))
    print(f"The program of {run} is in {output}: (atomic_numbers, positions in Å) → (energy in eV, forces in eV/Å)")
