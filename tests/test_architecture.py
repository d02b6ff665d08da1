"""Who may import whom, read from the sources; the rules are those of the design, and a broken one is said in words."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

import potbench

SOURCES = Path(potbench.__file__).parent
VOCABULARY = {"units", "structures", "batch", "errors", "whole_file"}

# room → rooms it may import besides itself and the vocabulary
DATA_WING = {
    "downloads": set(),
    "readers": set(),
    "datasets": {"downloads", "readers"},
    "loading": {"downloads", "readers", "datasets"},
    "data_quality": {"loading"},
}
PHYSICS_WING = {
    "geometry": set(),
    "representations": {"geometry"},
    "readouts": {"geometry", "representations"},
    "potentials": {"geometry", "representations", "readouts"},
    "laws": {"geometry", "representations", "readouts", "potentials"},
}
ROOMS: dict[str, set[str]] = {
    **DATA_WING,
    **PHYSICS_WING,
    "generation": {"datasets"},
    "reporting": set(),
    "dashboards": set(),
    "training": {"downloads", "datasets", "loading", "data_quality", "dashboards", *PHYSICS_WING},
    "runs": {
        *("readers", "datasets", "training", "dashboards", "loading", "data_quality", "potentials", "reporting"),
        "statistics",
    },
    "inference": {"runs", "loading", "readers", "potentials", "laws", "reporting"},
    "examination": {
        *("runs", "datasets", "loading", "generation", "potentials", "laws", "inference", "reporting", "statistics")
    },
    "statistics": set(),
    "shipped": set(),
    "results": {"readers", "loading", "runs", "reporting", "statistics"},
    "studies": {"readers", "loading", "runs", "results", "reporting", "shipped", "statistics"},
    "schemas": {"loading", "potentials", "readouts", "representations", "training", "studies"},
}
EVERY_ROOM = {*ROOMS, "speed"}
ALLOWED = {
    **{room: VOCABULARY | below for room, below in ROOMS.items()},
    "speed": VOCABULARY | set(ROOMS),
    "cli": VOCABULARY | EVERY_ROOM,
    "__main__": {"cli", "runs"},
    **dict.fromkeys(VOCABULARY, VOCABULARY),
}

# library → where alone it may be imported: files or folders of potbench
LIBRARIES = {
    "torchani": ("representations/aev.py", "speed/"),
    "lightning": (
        "loading/datamodule.py",
        "training/",
        "dashboards/",
        "runs/",
        "speed/",
        "cli/lightning.py",
    ),
    "h5py": ("readers/hdf5.py", "readers/first_reader.py", "datasets/", "generation/", "speed/simulated_ani1.py"),
    "pooch": ("downloads/partial_file.py",),
    "requests": ("downloads/partial_file.py",),
    "rdkit": ("loading/splits/smiles.py",),
    "pyscf": ("generation/pyscf_calculator.py",),
    "schnetpack": ("representations/schnetpack_import.py", "speed/"),
    "scipy": ("geometry/pairs.py", "potentials/plausible.py", "statistics/"),
    "sgdml": ("potentials/sgdml_solver.py", "speed/"),
    "mace": ("potentials/mace_import.py", "speed/"),
    "graph_pes": ("potentials/graph_pes.py", "speed/"),
    "nequip": ("potentials/nequip_import.py",),
    "e3nn": ("potentials/mace_import.py", "potentials/nequip_import.py", "speed/"),
    "wandb": ("dashboards/wandb_logger.py",),
    "matplotlib": ("reporting/",),
    "jsonargparse": ("cli/", "runs/checkpoint.py"),
    "jinja2": ("reporting/page/",),
    "optuna": ("studies/",),
    "submitit": ("studies/",),
}
LONGEST_FILE = 300
LARGEST_ROOM = 0.15
MOST_ROOT_FILES = 7
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "misc", "base", "util", "helper"}


class Import(NamedTuple):
    """One import: the file it stands in, by its path within potbench, the line, and the dotted name."""

    file: str
    line: int
    name: str


def imports(root: Path) -> list[Import]:
    """Every import of every file, wherever in the file it stands."""
    found = []
    for path in sorted(root.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                package = ["potbench", *Path(file).parts[: -node.level]] if node.level else []
                module = ".".join([*package, *([node.module] if node.module else [])])
                # from potbench import units imports a room, from potbench.units import MEV a name
                names = [f"{module}.{alias.name}" for alias in node.names] if module == "potbench" else [module]
            found += [Import(file, node.lineno, name) for name in names]
    return found


def room(file: str) -> str:
    """The room of a file."""
    return Path(file).parts[0].removesuffix(".py")


def broken_rules(root: Path) -> list[str]:
    """What is wrong with a source tree, each in a sentence."""
    return [rule for find in RULES for rule in find(root)]


def broken_directions(root: Path) -> list[str]:
    """Imports between rooms that no arrow of the design allows."""
    broken = []
    for file, line, name in imports(root):
        parts = name.split(".")
        if parts[0] != "potbench" or len(parts) < 2 or file == "__init__.py":
            continue
        here, there = room(file), room(parts[1])
        if there.startswith("__") or here == there:
            continue
        allowed = ALLOWED.get(here, set())
        if there not in allowed:
            may = ", ".join(sorted(allowed)) or "nothing of potbench: it is a room the design does not know"
            broken.append(f"{file}:{line} imports {name}, but {here} may import {may}.")
    return broken


def misplaced_libraries(root: Path) -> list[str]:
    """Libraries imported outside the files that stand for them."""
    broken = []
    for file, line, name in imports(root):
        places = LIBRARIES.get("lightning" if name.startswith("pytorch_lightning") else name.split(".")[0])
        if places and not file.startswith(places):
            broken.append(f"{file}:{line} imports {name}, which only {' and '.join(places)} may do.")
    return broken


def unwieldy_files(root: Path) -> list[str]:
    """Files that are too long, or whose name says nothing."""
    broken = []
    for path in sorted(root.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        num_lines = len(path.read_text(encoding="utf-8").splitlines())
        if num_lines > LONGEST_FILE:
            broken.append(f"{file} has {num_lines} lines, more than {LONGEST_FILE}: it does more than one thing.")
        if NAMES_THAT_SAY_NOTHING & set(Path(file).with_suffix("").parts):
            broken.append(f"{file} has a name that does not say what is in it.")
    return broken


# what only the command line knows: keys of a config, and flags
KEY = re.compile(r"init_args|\b(?:data|model|trainer)\.(?:[a-z_]+\.)*[a-z_]+ is\b|(?<![\w-])--[a-z]\w+")
FLAGS_OF_OTHER_PROGRAMS = {"runs/provenance.py", "dashboards/wandb_logger.py"}
COMMANDS_OF_STUDIES = {"studies/running/commands.py"}  # a study starts potbench by its commands
RECIPES = {
    "runs/recipe.py",
    "runs/step_time.py",
    "schemas/types.py",
    "studies/planning/cell_config.py",
    "studies/planning/left_out.py",
}  # as checkpoints and configs store them


def keys_and_flags_below_the_command_line(root: Path) -> list[str]:
    """Keys of configs and flags of commands in strings of rooms that cannot know where a setting came from."""
    broken = []
    for path in sorted(root.rglob("*.py")):
        file = path.relative_to(root).as_posix()
        if room(file) in {"cli", "__main__"} or file in FLAGS_OF_OTHER_PROGRAMS | COMMANDS_OF_STUDIES | RECIPES:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and (found := KEY.search(node.value)):
                broken.append(f"{file}:{node.lineno} says {found[0]!r}, which only cli can know: raise SettingError.")
    return broken


RULES = (broken_directions, misplaced_libraries, unwieldy_files, keys_and_flags_below_the_command_line)


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_of_the_design_hold(rule):
    assert not rule(SOURCES), "\n".join(rule(SOURCES))


def test_no_room_is_larger_than_a_seventh_of_the_house():
    lines = Counter[str]()
    for path in SOURCES.rglob("*.py"):
        lines[room(path.relative_to(SOURCES).as_posix())] += len(path.read_text(encoding="utf-8").splitlines())
    shares = {name: num_lines / lines.total() for name, num_lines in lines.items()}
    assert max(shares.values()) <= LARGEST_ROOM, {name: f"{share:.1%}" for name, share in shares.items()}


def test_the_hall_holds_the_vocabulary_and_the_entrance_alone():
    files = sorted(path.name for path in SOURCES.glob("*.py"))
    assert len(files) <= MOST_ROOT_FILES
    assert {name.removesuffix(".py") for name in files} == {*VOCABULARY, "__init__", "__main__"}


def test_there_are_sources_to_look_at():
    found = imports(SOURCES)
    assert len(found) > 100
    assert ("loading/collate.py", "potbench.batch") in {(file, name) for file, _, name in found}


@pytest.mark.parametrize("wing", [DATA_WING, PHYSICS_WING])
def test_the_wings_do_not_know_each_other(wing):
    other = set(PHYSICS_WING) if wing is DATA_WING else set(DATA_WING)
    assert not any(other & allowed for allowed in wing.values())


def test_rooms_stand_in_one_order_without_circles():
    order = [*DATA_WING, "generation", *PHYSICS_WING, "reporting"]
    order += ["statistics", "shipped", "dashboards", "training", "runs", "inference", "results", "studies", "schemas"]
    for place, name in enumerate(order):
        assert ROOMS[name] <= set(order[:place]), f"{name} may import a room above it"


@pytest.mark.parametrize(
    ("file", "text", "sentence"),
    [
        (
            "geometry/a.py",
            "import torch\nfrom potbench.loading import Store",
            "geometry/a.py:2 imports potbench.loading, but geometry may import "
            "batch, errors, structures, units, whole_file.",
        ),
        (
            "datasets/a.py",
            "from potbench import loading",
            "datasets/a.py:1 imports potbench.loading, but datasets may import batch, downloads, errors, "
            "readers, structures, units, whole_file.",
        ),
        (
            "reporting/deep/a.py",
            "def f():\n    from ...runs import Record",
            "reporting/deep/a.py:2 imports potbench.runs, but reporting may import batch, errors, structures, "
            "units, whole_file.",
        ),
        (
            "units.py",
            "import potbench.training.loss",
            "units.py:1 imports potbench.training.loss, but units may import batch, errors, structures, units, "
            "whole_file.",
        ),
        (
            "studies/a.py",
            "from potbench.training import Task",
            "studies/a.py:1 imports potbench.training, but studies may import batch, errors, loading, readers, "
            "reporting, results, runs, shipped, statistics, structures, units, whole_file.",
        ),
        (
            "attic/a.py",
            "from potbench.units import MEV",
            "attic/a.py:1 imports potbench.units, but attic may import nothing of potbench: "
            "it is a room the design does not know.",
        ),
        (
            "potentials/a.py",
            "import lightning.pytorch as pl",
            f"potentials/a.py:1 imports lightning.pytorch, which only {' and '.join(LIBRARIES['lightning'])} may do.",
        ),
        ("training/a.py", "import pytorch_lightning", None),
        (
            "readouts/a.py",
            "from torchani.nn import AtomicNetwork",
            "readouts/a.py:1 imports torchani.nn, which only representations/aev.py and speed/ may do.",
        ),
        ("training/utils.py", "", "training/utils.py has a name that does not say what is in it."),
        ("helpers/a.py", "", "helpers/a.py has a name that does not say what is in it."),
        ("units.py", "pass\n" * 301, "units.py has 301 lines, more than 300: it does more than one thing."),
        ("units.py", "pass\n" * 300, None),
        ("speed/a.py", "import h5py_like, torchani, lightning\nfrom potbench.laws import LAWS", None),
        ("cli/a.py", "from potbench import __version__\nfrom potbench.speed import speed", None),
        (
            "training/a.py",
            'raise ValueError("Change model.init_args.loss.")',
            "training/a.py:1 says 'init_args', which only cli can know: raise SettingError.",
        ),
        (
            "loading/a.py",
            'f"{1} frames; change --batch_size"',
            "loading/a.py:1 says '--batch_size', which only cli can know: raise SettingError.",
        ),
        ("cli/a.py", '"Change --run, or data.init_args.split"', None),
    ],
)
def test_a_broken_rule_is_seen_and_said_in_words(tmp_path, file, text, sentence):
    planted = tmp_path / file
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text(text)
    assert broken_rules(tmp_path) == ([sentence] if sentence else [])
