from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.data_quality import Finding, inspect
from potbench.loading import Store
from potbench.loading.manifest import Origin
from potbench.structures import Frames


@pytest.fixture
def found(tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """Frames → what an inspection of them finds, by name."""

    def look(*chunks: Frames) -> dict[str, Finding]:
        store = Store.write(tmp_path / f"store-{len(list(tmp_path.iterdir()))}", chunks, Origin(name="made"))
        return {finding.name: finding for finding in inspect(store, 20_000, 0)}

    return look
