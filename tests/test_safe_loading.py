"""No function that can run what a file holds is called on files, wherever in potbench."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

import potbench
from potbench.studies.yaml_text import PeopleLoader, plain_yaml

SOURCES = Path(potbench.__file__).parent
REQUIRED = {
    "np.load": ("allow_pickle", False),
    "numpy.load": ("allow_pickle", False),
    "torch.load": ("weights_only", True),
}
FORBIDDEN = {
    *("eval", "exec", "compile", "pickle.load", "pickle.loads", "pickle.Unpickler", "yaml.load", "yaml.unsafe_load"),
    *(
        "yaml.full_load",
        "joblib.load",
        "shelve.open",
        "marshal.load",
        "marshal.loads",
        "torch.jit.load",
        "torch.hub.load",
    ),
    *("pd.read_pickle", "pandas.read_pickle", "shutil.unpack_archive"),
}

TRUSTED = {"potentials/mace_file.py": ["torch.load without weights_only=True"]}
"""What runs a file, once the user has named its sha256: see tests/cli/test_import_run.py."""

SAFE_LOADERS = {"SafeLoader", "PeopleLoader"}
"""Of YAML: the library's, and one derived from it."""


def unsafe(source: str) -> list[str]:
    """Calls that load what a file says is to be run."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        given = {one.arg: one.value.value for one in node.keywords if isinstance(one.value, ast.Constant)}
        if name == "yaml.load" and len(node.args) == 2 and ast.unparse(node.args[1]) in SAFE_LOADERS:
            continue
        if name in FORBIDDEN or name.endswith((".extractall", ".extract")):
            found.append(f"{node.lineno}: {name}")
        if name in REQUIRED and given.get(REQUIRED[name][0]) is not REQUIRED[name][1]:
            found.append(f"{node.lineno}: {name} without {REQUIRED[name][0]}={REQUIRED[name][1]}")
    return found


@pytest.mark.parametrize("file", sorted(SOURCES.rglob("*.py")), ids=lambda file: file.relative_to(SOURCES).as_posix())
def test_files_are_loaded_as_plain_values_alone(file: Path) -> None:
    found = [call.partition(": ")[2] for call in unsafe(file.read_text(encoding="utf-8"))]
    assert found == TRUSTED.get(file.relative_to(SOURCES).as_posix(), [])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("np.load(file)", ["1: np.load without allow_pickle=False"]),
        ("np.load(file, allow_pickle=True)", ["1: np.load without allow_pickle=False"]),
        ("torch.load(file, weights_only=False)", ["1: torch.load without weights_only=True"]),
        ("import pickle\npickle.load(file)", ["2: pickle.load"]),
        ("archive.extractall(folder)", ["1: archive.extractall"]),
        ("np.load(file, allow_pickle=False)\ntorch.load(file, weights_only=True)\nmodel.eval()", []),
    ],
)
def test_an_unsafe_call_is_seen(source: str, said: list[str]) -> None:
    assert unsafe(source) == said


def test_yaml_of_people_is_read_by_a_safe_loader() -> None:
    assert issubclass(PeopleLoader, yaml.SafeLoader)
    with pytest.raises(ValueError, match="could not determine a constructor"):
        plain_yaml("!!python/object/apply:os.system ['true']")
    assert unsafe("yaml.load(text, Loader)") == ["1: yaml.load"]
