"""New files from templates, each of which works as it is."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from potbench.errors import SettingError
from potbench.whole_file import write_text

Kind = Literal["architecture", "dataset", "study"]

TEMPLATES = Path(__file__).with_name("templates")
FILES: dict[Kind, dict[str, str]] = {
    "architecture": {"architecture.py.txt": "{name}.py", "architecture.yaml": "{name}.yaml"},
    "dataset": {
        "dataset.py.txt": "{name}.py",
        "make_dataset.py.txt": "make_{name}.py",
        "dataset.yaml": "{name}.yaml",
    },
    "study": {"study.yaml": "{name}.yaml"},
}
"""Kind → template → the file that it becomes; the last is the one whose first lines say what to do next."""


def new(kind: Kind, name: str, folder: Path) -> list[Path]:
    """Write the files of a template, none where one of them is there already.

    Args:
        kind: what is written.
        name: of the files, and of the module in them; the class is named like it.
        folder: where to.

    Returns:
        The files; the last says in its first lines what to do next.

    Raises:
        SettingError: the name cannot be that of a module, or files would be replaced.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        expected = "small letters, digits and underscores, the first a letter, such as my_network"
        raise SettingError(new, "name", name, expected, f"{name!r} cannot be the name of a module")
    if kind != "study" and find_spec(name) and not (folder / f"{name}.py").exists():
        problem = f"Python has a module {name} already, and would find that one"
        raise SettingError(new, "name", name, "a name that no module has", problem)
    targets = {template: folder / file.format(name=name) for template, file in FILES[kind].items()}
    there = [str(target) for target in targets.values() if target.exists()]
    if there:
        problem = f"{' and '.join(there)} exist{'s' * (len(there) == 1)}, and nothing is replaced"
        raise SettingError(new, "name", name, "a name whose files are not there yet", problem)
    class_name = "".join(part.capitalize() for part in name.split("_"))
    texts = {target: (TEMPLATES / template).read_text(encoding="utf-8") for template, target in targets.items()}
    if any(re.search(rf"\b{class_name}\b", text) for text in texts.values()):
        problem = f"The class would have the name {class_name}, which its file uses for something else"
        raise SettingError(new, "name", name, "another name", problem)
    for target, text in texts.items():
        write_text(target, text.replace(f"my_{kind}", name).replace(f"My{kind.capitalize()}", class_name))
    return list(texts)


def next_commands(file: Path) -> list[str]:
    """Return the commands that the first lines of a file name."""
    found = re.findall(r"^#   (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [str(command) for command in found]
