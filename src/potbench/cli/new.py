"""python -m potbench new."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def new(kind: Literal["architecture", "dataset", "study"], name: str) -> None:
    """Write a template into the current folder: an architecture, a dataset or a study of your own that works at once.

    An architecture is a Python file and a config; a dataset those and a program that makes a tiny file for it; a study
    one file of YAML. Nothing is replaced.

    Args:
        kind: architecture, dataset or study.
        name: of the files, such as my_network; a class in them is named like it.
    """
    from potbench.shipped import new as templates

    *others, last = templates.new(kind, name, Path())
    print(f"Written: {', '.join(map(str, [*others, last]))}. Next:\n")
    for command in templates.next_commands(last):
        print(f"  {command}")
