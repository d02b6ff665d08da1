"""python -m potbench data label."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from potbench.errors import SettingError, require_new_file


def label(
    structures: Path,
    *,
    output: Path,
    calculator: str = "potbench.generation.pyscf_calculator.PySCF",
    calculator_arguments: dict[str, Any] | None = None,
    theory: str | None = None,
) -> None:
    """Compute energies and forces of given structures with any ASE calculator.

    Those that molecular dynamics of an ensemble stops at are in its uncertain.xyz.

    Args:
        structures: any file that ASE reads.
        output: the extended XYZ file to make, .xyz or .extxyz.
        calculator: class path of an ASE calculator, such as tblite.ase.TBLite.
        calculator_arguments: its keyword arguments, such as '{"method": "GFN2-xTB"}'.
        theory: level of theory, as tables will show it; by default what the calculator states.
    """
    require_new_file(label, output=output)
    if output.suffix not in {".xyz", ".extxyz"}:
        problem = f"The output ends in {output.suffix!r}"
        raise SettingError(label, "output", str(output), ".xyz or .extxyz", problem)

    from rich.console import Console
    from rich.progress import Progress

    from potbench.generation.labeling import label as compute
    from potbench.generation.recipe import Recipe
    from potbench.inference.structure_file import read_structures
    from potbench.runs.current_folder import import_from_here

    import_from_here()
    found = read_structures(structures)
    recipe = Recipe.of(calculator, calculator_arguments or {}, theory, temperature=300.0, seed=0)  # nothing is drawn
    console = Console()
    with Progress(console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("structures", total=len(found))
        compute(found, output, recipe, lambda: progress.advance(bar))
    print(f"{len(found)} structures with energies in eV and forces in eV/Å, {recipe.theory}, are in {output}")
