"""Configs whose networks are those of other packages, which are not installed with potbench for its tests."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

PACKAGES = {"mace": "mace", "graph_pes": "graph_pes", "nequip": "nequip"}
"""File in configs, without .yaml → the package that its potential imports; the extra has the name of the file."""


def is_installed(config: Path) -> bool:
    """Whether the package that a config needs, if any, is there."""
    return config.stem not in PACKAGES or find_spec(PACKAGES[config.stem]) is not None


def skip_without_package(config: Path) -> None:
    """Skip a test of a config whose package is not installed."""
    if not is_installed(config):
        pytest.skip(f"needs the package {PACKAGES[config.stem]}: pip install 'potbench[{config.stem}]'")
