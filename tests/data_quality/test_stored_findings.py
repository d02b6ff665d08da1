from __future__ import annotations

import json
from pathlib import Path

import pytest

from potbench.data_quality import cheap, first_look
from potbench.loading import Store
from tests.native_files.springs import healthy


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.write(tmp_path / "store", [healthy(num_frames=30)])


def test_a_first_look_is_taken_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found = first_look(store)
    assert found == cheap(store)
    monkeypatch.setattr("potbench.data_quality.stored_findings.cheap", lambda store: pytest.fail("looked again"))
    assert first_look(store) == found


@pytest.mark.parametrize("change", [{"fingerprint": "of other arrays"}, {"format": 0}, {"found": [["half"]]}])
def test_what_was_found_in_other_arrays_or_by_other_checks_is_not_believed(store: Store, change: dict) -> None:  # type: ignore[type-arg]
    file = store.folder / "first_look.json"
    right = first_look(store)
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"found": []} | change))
    assert first_look(store) == right
