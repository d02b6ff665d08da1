"""python -m potbench relax."""

from __future__ import annotations

from pathlib import Path

from potbench.errors import SettingError, require_new_file


def relax(
    run: Path,
    structures: Path,
    *,
    output: Path,
    fmax: float = 0.01,
    steps: int = 500,
    ckpt_path: str = "best",
    device: str = "cpu",
    repulsion: bool = False,
    allow: list[str] = [],  # noqa: B006 — never changed; the parser takes None for no list
) -> int:
    """Bring structures to a minimum of their energy, by BFGS; the exit status is 1 where one does not get there.

    Args:
        run: folder of a run.
        structures: any file of structures that ASE reads.
        output: file to write, .xyz or .extxyz (extended XYZ) or .npz.
        fmax: largest force on an atom in the end, in eV/Å.
        steps: most steps of a search.
        ckpt_path: best, last, or a file.
        device: cpu or cuda.
        repulsion: nuclei repel each other (ZBL) at distances below those of the training set.
        allow: packages that you trust, whose classes the checkpoint may name beside those of potbench.
    """
    from potbench.cli.trained import load_trained

    require_new_file(relax, output=output)
    potential = load_trained(run, ckpt_path, device, allow, repulsion)

    from rich.console import Console
    from rich.table import Table

    from potbench.inference.relax import Collapsed, Relaxed
    from potbench.inference.relax import relax as search
    from potbench.inference.report import warn_of_left_out
    from potbench.inference.structure_file import ENDINGS, read_structures, write_structures

    if output.suffix not in ENDINGS:
        problem = f"The output ends in {output.suffix!r}"
        raise SettingError(relax, "output", str(output), f"one of {', '.join(ENDINGS)}", problem)
    read = read_structures(structures)
    table = Table("Structure", "Steps", "Energy falls by (eV)", "Largest force (eV/Å)", "", box=None)
    found: list[Relaxed] = []
    collapsed = []
    for number, end in enumerate(search(potential, read, fmax, steps)):
        name = f"{number} {end.atoms.get_chemical_formula()}"
        if isinstance(end, Collapsed):
            collapsed.append(f"Structure {number}: {end.reason}")
            table.add_row(name, "", "", "", "[bold red]collapsed")
            continue
        found.append(end)
        remarks = [] if end.converged else ["[bold red]not converged"]
        remarks += ["[yellow]outside of the training set"] if end.extrapolated else []
        fall, force = f"{end.before - end.after:.4f}", f"{end.largest_force:.4f}"
        table.add_row(name, str(end.steps), fall, force, ", ".join(remarks))
    left_out = write_structures(output, [relaxed.atoms for relaxed in found]) if found else []
    Console().print(table)
    for said in collapsed:
        print(said)
    if found:
        print(f"{len(found)} structures with energies in eV and forces in eV/Å are in {output}")
    warn_of_left_out(left_out, output)
    return 0 if not collapsed and all(relaxed.converged for relaxed in found) else 1
