"""Configs whose networks are those of other packages, which are not installed with potbench for its tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = {"mace": "mace", "graph_pes": "graph_pes", "nequip": "nequip"}
"""File in configs, without .yaml → the package that its potential imports; the extra has the name of the file."""


def skip_without_package(config: Path) -> None:
    """Skip a test of a config whose package is not installed."""
    package = PACKAGES.get(config.stem)
    if package is not None and find_spec(package) is None:
        pytest.skip(f"needs the package {package}: pip install 'potbench[{config.stem}]'")
