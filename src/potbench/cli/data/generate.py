"""python -m potbench data generate."""

from __future__ import annotations

import inspect
import json
import shlex
from pathlib import Path
from typing import Any

from potbench.errors import SettingError


def generate(
    *,
    molecules: list[str],
    output: Path,
    frames: int = 100,
    temperature: float = 1000.0,
    seed: int = 0,
    calculator: str = "potbench.generation.pyscf_calculator.PySCF",
    calculator_arguments: dict[str, Any] | None = None,
    theory: str | None = None,
    license: str = "not stated",
) -> None:
    """Compute a dataset with any ASE calculator.

    Each molecule is brought to its minimum, its normal modes are found, and conformers are drawn along them as for
    ANI-1 (Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A). Unfinished work is in
    OUTPUT.partial; the same command resumes it after an interruption, also with more molecules or more frames.

    Args:
        molecules: names in ASE's g2 collection, such as H2O CH3OH, or structure files.
        output: the HDF5 file to make.
        frames: conformers of each molecule.
        temperature: temperature of the sampling, in K; hotter, straight steps along a torsion stretch bonds.
        seed: seed of the random numbers.
        calculator: class path of an ASE calculator, such as tblite.ase.TBLite.
        calculator_arguments: its keyword arguments, such as '{"method": "GFN2-xTB"}'.
        theory: level of theory, as tables will show it; by default what the calculator states.
        license: license of the dataset.
    """
    command = _command(**locals())
    if frames < 1:
        raise SettingError(generate, "frames", frames, "at least 1")

    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from potbench.generation.generate import generate as make
    from potbench.generation.molecules import find_molecules
    from potbench.generation.recipe import Recipe
    from potbench.runs.current_folder import import_from_here

    import_from_here()
    structures = find_molecules(molecules)
    recipe = Recipe.of(calculator, calculator_arguments or {}, theory, temperature, seed)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    times = TimeElapsedColumn(), TimeRemainingColumn()
    console = Console()
    with Progress(*columns, *times, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("frames", total=len(structures) * frames)

        def advance(molecule: str, num_frames: int) -> None:
            progress.update(bar, description=molecule, advance=num_frames)

        try:
            make(
                output,
                structures,
                frames,
                recipe,
                license,
                command=command,
                advance=advance,
                say=lambda line: progress.console.print(line, highlight=False),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("stopped. Give the same command again to resume.") from None


def _command(**given: Any) -> str:
    """Return the command with these arguments, for the manifest."""
    arguments = ["python", "-m", "potbench", "data", "generate"]
    for name, parameter in inspect.signature(generate).parameters.items():
        value = given[name]
        if value != parameter.default:
            texts = value if isinstance(value, list) else [json.dumps(value) if isinstance(value, dict) else value]
            arguments += [f"--{name}", *map(str, texts)]
    return shlex.join(arguments)
