from __future__ import annotations

from pathlib import Path

import pytest

from native_files.made import blocks
from potbench.loading import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Nineteen frames of four molecules, energies only."""
    return Store.write(tmp_path / "store", blocks(), {})


@pytest.fixture
def store_with_forces(tmp_path: Path) -> Store:
    """The same with forces."""
    return Store.write(tmp_path / "store_with_forces", blocks(forces=True), {})
