"""The command `potbench data generate`: its words, and the order of the work."""

from __future__ import annotations

import argparse
import difflib
import importlib
import importlib.metadata
import json
import platform
import shlex
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.errors import GenerationError
from potbench.generation.sampling import Recipe, isolated_atoms, open_folder, sample_molecule
from potbench.generation.unfinished import Conformers

if TYPE_CHECKING:
    from ase import Atoms

OWN_CALCULATOR = "potbench.generation.pyscf_calculator.PySCF"
DESCRIPTION = """Make a dataset in one HDF5 file: conformers of molecules, with energy and forces.

Each molecule is brought to its minimum, its normal modes are found, and conformers are drawn along them as for ANI-1
(Smith, Isayev, Roitberg, Chem. Sci. 8, 3192 (2017), doi:10.1039/C6SC05720A). Work in progress lies in FILE.partial; run
the same command again to go on after an interruption, also with more molecules or more frames."""
TEMPERATURE = 1000.0
"""In K. Hotter, a straight step along a torsion stretches bonds: H2O2 at 2000 K came to 3 times its harmonic bound."""
EXAMPLE = """example:
  potbench data generate --molecules H2O CH3OH azobenzene.xyz --frames 100 --output mine.h5 \\
      --calculator tblite.ase.TBLite --calculator-arguments '{"method": "GFN2-xTB"}' --theory GFN2-xTB"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the words of the command."""
    parser = argparse.ArgumentParser(
        "potbench data generate",
        description=DESCRIPTION,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--molecules", nargs="+", required=True, metavar="NAME", help="names in ASE's g2 collection, or structure files"
    )
    add("--output", type=Path, required=True, metavar="FILE", help="the HDF5 file to make")
    add("--frames", type=int, default=100, metavar="N", help="conformers of each molecule (default: 100)")
    add("--temperature", type=float, default=TEMPERATURE, metavar="K", help=f"of the sampling (default: {TEMPERATURE})")
    add("--seed", type=int, default=0, help="of the random numbers (default: 0)")
    add("--calculator", default=OWN_CALCULATOR, metavar="CLASS", help="an ASE calculator (default: %(default)s)")
    add("--calculator-arguments", type=json_object, default={}, metavar="JSON", help="keyword arguments, a JSON object")
    add("--theory", metavar="TEXT", help="level of theory, as tables will show it (default: what the calculator says)")
    add("--licence", default="not stated", metavar="TEXT", help="licence of the dataset (default: not stated)")
    options = parser.parse_args(arguments)
    if options.frames < 1:
        parser.error(f"--frames is {options.frames}, at least 1 was expected; give a larger number")
    if not options.temperature > 0:
        parser.error(f"--temperature is {options.temperature}, more than 0 was expected; give kelvin")
    if options.seed < 0:
        parser.error(f"--seed is {options.seed}, 0 or more was expected; give another number")
    return options


def json_object(text: str) -> dict[str, Any]:
    """Parse a JSON object, such as {"method": "GFN2-xTB"}."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not JSON ({error}); an object such as {{"key": 1}} was expected'
        ) from error
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f'{text!r} is not a JSON object; one such as {{"key": 1}} was expected')
    return found


def generate(arguments: Sequence[str]) -> None:
    """Make a dataset, as the words after `potbench data generate` ask.

    Raises:
        SystemExit: with a message, where it cannot be made.
    """
    options = parse(arguments)
    try:
        run(options, "python -m potbench data generate " + shlex.join(arguments))
    except GenerationError as error:
        raise SystemExit(f"potbench data generate: {error}") from error
    except KeyboardInterrupt:
        raise SystemExit("potbench data generate: stopped. Give the same command again to go on from here.") from None


def run(options: argparse.Namespace, command: str) -> None:
    """Make all frames, then the file."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from potbench.generation.dataset_file import write_dataset

    if options.output.exists():
        raise GenerationError(
            f"{options.output} exists already. A new file was expected, so that no data is overwritten. "
            "Choose another --output, or move the file away."
        )
    structures = find_structures(options.molecules)
    recipe = find_recipe(options)
    folder = options.output.with_name(options.output.name + ".partial")
    open_folder(folder, recipe)
    elements = sorted({int(number) for atoms in structures.values() for number in atoms.numbers})
    free_atoms = isolated_atoms(elements, recipe, folder / "isolated_atoms.json")
    finished: dict[str, Conformers] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        bar = progress.add_task("frames", total=len(structures) * options.frames)
        for name, atoms in structures.items():
            progress.update(bar, description=name)
            finished[name] = work = sample_molecule(
                name, atoms, options.frames, recipe, folder / f"molecule-{name}.npz", lambda n: progress.advance(bar, n)
            )
            progress.console.print(f"{name}: {len(work.energy)} frames in {work.seconds:.0f} s", highlight=False)
    finished = {name: work.first(options.frames) for name, work in finished.items()}
    write_dataset(options.output, finished, make_manifest(options, command, recipe, finished, free_atoms), folder)
    shutil.rmtree(folder)


def find_structures(names: Sequence[str]) -> dict[str, Atoms]:
    """Name → first geometry, from ASE's g2 collection or from a file.

    Raises:
        GenerationError: a name is neither, or two molecules have the same name.
    """
    import ase.io
    from ase.collections import g2

    found: dict[str, Atoms] = {}
    for given in names:
        path = Path(given)
        if path.is_file():
            try:
                atoms = ase.io.read(path)
            except Exception as error:  # each of ASE's readers fails in its own way
                raise GenerationError(
                    f"{path} cannot be read as a structure ({type(error).__name__}: {error}). A file that ASE reads, "
                    "such as .xyz, was expected. Convert it, or correct the path."
                ) from error
        elif g2.has(given):
            atoms = g2[given]
        else:
            near = difflib.get_close_matches(given, g2.names, 3, 0.5)
            raise GenerationError(
                f"{given!r} is no molecule of ASE's g2 collection and no file. A name such as CH3OH or the path of a "
                "structure file was expected. "
                + (f"Did you mean {', '.join(near)}?" if near else "Correct the name or the path.")
            )
        name = path.stem if path.is_file() else given
        if name in found:
            raise GenerationError(
                f"Two molecules are named {name!r}. Each name once was expected. Remove one, or rename its file."
            )
        if len(atoms) < 2:
            raise GenerationError(
                f"{name} is a single atom, which has no conformers. Molecules were expected. Leave it out; energies of "
                "free atoms are computed in any case."
            )
        found[name] = atoms
    return found


def find_recipe(options: argparse.Namespace) -> Recipe:
    """What decides the frames; makes a calculator once, to see that it can be made.

    Raises:
        GenerationError: the calculator cannot be imported or made.
    """
    recipe = Recipe(
        options.calculator, options.calculator_arguments, options.theory or "", float(options.temperature), options.seed
    )
    try:
        if options.calculator == OWN_CALCULATOR:
            importlib.import_module("pyscf")
        calculator = recipe.make_calculator()
    except ModuleNotFoundError as error:
        extra = {"pyscf": "generate", "tblite": "xtb"}.get(str(error.name).partition(".")[0])
        install = f'pip install "potbench[{extra}]"' if extra else "the package that holds it"
        raise GenerationError(
            f"The calculator {options.calculator} needs the module {error.name}, which is not installed. "
            f"An importable class was expected. Install it: {install}"
        ) from error
    except (AttributeError, ValueError) as error:
        raise GenerationError(
            f"The calculator {options.calculator!r} cannot be found or made ({error}). The path of a class was "
            "expected, such as ase.calculators.emt.EMT. Correct --calculator or --calculator-arguments."
        ) from error
    except TypeError as error:
        raise GenerationError(
            f"The calculator {options.calculator} does not take {options.calculator_arguments} ({error}). Its keyword "
            "arguments were expected. Correct --calculator-arguments."
        ) from error
    arguments = f" {json.dumps(options.calculator_arguments)}" if options.calculator_arguments else ""
    theory = options.theory or getattr(calculator, "theory", options.calculator + arguments)
    return Recipe(recipe.calculator, recipe.calculator_arguments, theory, recipe.temperature, recipe.seed)


def make_manifest(
    options: argparse.Namespace,
    command: str,
    recipe: Recipe,
    molecules: dict[str, Conformers],
    free_atoms: dict[str, float | None],
) -> dict[str, object]:
    """What the file says of itself; energies in eV."""
    packages = ["potbench", "numpy", "ase", "h5py", recipe.calculator.partition(".")[0]]
    if recipe.calculator == OWN_CALCULATOR:
        packages.append("pyscf")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "not known"
    return {
        "theory": recipe.theory,
        "licence": options.licence,
        "citation": f"generated by potbench {versions['potbench']}: {command}",
        "command": command,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions,
        "calculator": recipe.calculator,
        "calculator_arguments": recipe.calculator_arguments,
        "sampling": "normal modes, doi:10.1039/C6SC05720A",
        "temperature": recipe.temperature,
        "seed": recipe.seed,
        "units": {"energy": "eV", "positions": "Å", "forces": "eV/Å"},
        "num_frames": sum(len(work.energy) for work in molecules.values()),
        "molecules": {name: work.summary() for name, work in molecules.items()},
        "isolated_atoms": free_atoms,
    }
