from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from potbench.errors import RecordError
from potbench.loading import Store
from potbench.loading.manifest import Manifest, Source, Units

# as version 0.1 wrote it
OLD = {
    "format": 2,
    "name": "rmd17",
    "theory": "PBE/def2-SVP",
    "citation": "Christensen, von Lilienfeld",
    "licence": "CC0 1.0",
    "units": {"positions": "Å", "energy": "eV", "forces": "eV/Å"},
    "options": {"molecule": "ethanol", "labels": "revised"},
    "sources": [
        {"file": "rmd17_ethanol.npz", "sha256": "ab12", "published": "md5:eb83", "bytes": 67_201_791, "changed": 17},
        {"file": "index_train_01.csv", "sha256": "cd34", "bytes": 5000, "changed": 18},
    ],
    "num_frames": 100_000,
    "num_molecules": 1,
    "atomic_numbers": [1, 6, 8],
    "has_forces": True,
    "has_time": True,
    "fingerprint": "ef56",
}


def read(folder: Path, content: object) -> Manifest:
    (folder / "manifest.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return Manifest.load(folder)


def test_a_manifest_of_an_earlier_version_is_read(tmp_path):
    manifest = read(tmp_path, OLD)
    assert manifest.license == "CC0 1.0"
    assert manifest.units == Units()
    assert manifest.options == {"molecule": "ethanol", "labels": "revised"}
    assert manifest.sources[0] == Source("rmd17_ethanol.npz", "ab12", 67_201_791, 17, "md5:eb83")
    assert manifest.sources[1].published is None
    assert (manifest.num_frames, manifest.atomic_numbers) == (100_000, (1, 6, 8))
    assert (manifest.has_forces, manifest.has_time, manifest.fingerprint) == (True, True, "ef56")


def test_what_is_saved_is_loaded(tmp_path):
    manifest = read(tmp_path, OLD)
    (tmp_path / "again").mkdir()
    manifest.save(tmp_path / "again")
    assert Manifest.load(tmp_path / "again") == manifest
    assert "licence" not in (tmp_path / "again" / "manifest.json").read_text()


def test_keys_of_later_versions_do_no_harm(tmp_path):
    sources = [{**source, "mirror": "elsewhere"} for source in OLD["sources"]]
    assert read(tmp_path, {**OLD, "new": [1], "sources": sources}) == read(tmp_path, OLD)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"num_frames": "x"}, "num_frames is 'x', expected a valid integer"),
        ({"num_frames": 1.0}, "num_frames is 1.0, expected a valid integer"),
        ({"num_molecules": True}, "num_molecules is True, expected a valid integer"),
        ({"has_forces": 1}, "has_forces is 1, expected a valid boolean"),
        ({"atomic_numbers": [1, None]}, "atomic_numbers.1 is None, expected a valid integer"),
        ({"options": [1]}, "options is [1], expected an object"),
        ({"units": {"energy": 3}}, "units.energy is 3, expected a valid string"),
        ({"sources": [{"file": "a"}]}, "sources.0.sha256 is missing"),
        ({"name": ["long"] * 1000}, "name is ['long', 'long', 'long', 'long', 'long', 'long', ...], expected a valid"),
    ],
)
def test_a_wrong_type_is_named_with_its_value(tmp_path, change, reason):
    with pytest.raises(RecordError) as caught:
        read(tmp_path, {**OLD, **change})
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'manifest.json'} is damaged ({reason}")
    assert message.endswith(
        f"). Expected what preparing the dataset wrote. Delete the folder {tmp_path}; the dataset is then prepared "
        "again."
    )


@pytest.mark.parametrize("key", ["num_frames", "atomic_numbers", "has_time", "fingerprint"])
def test_a_missing_number_is_named(tmp_path, key):
    with pytest.raises(RecordError, match=rf"damaged \({key} is missing\)"):
        read(tmp_path, {name: value for name, value in OLD.items() if name != key})


@pytest.mark.parametrize("content", ["", "{", "1", "[]", "null", "[" * 100_000, json.dumps(OLD)[:-8]])
def test_what_is_no_manifest_is_refused(tmp_path, content):
    with pytest.raises(RecordError, match=r"manifest\.json is damaged \("):
        read(tmp_path, content)


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "manifest.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(RecordError, match=r"manifest\.json is damaged \("):
        Manifest.load(tmp_path)


def test_a_store_with_a_damaged_manifest_is_refused(store):
    (store.folder / "manifest.json").write_text("{}")
    with pytest.raises(RecordError, match="num_frames is missing"):
        Store(store.folder)


def test_manifests_are_read_without_torch(tmp_path):
    # data list reads them all, and torch takes seconds to import
    (tmp_path / "manifest.json").write_text(json.dumps(OLD))
    program = (
        "import pathlib, sys\nfrom potbench.loading.manifest import Manifest\n"
        f"Manifest.load(pathlib.Path({str(tmp_path)!r}))\nassert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_datamodule_is_found_by_its_name_all_the_same():
    import potbench.loading
    from potbench.loading.datamodule import AtomsDataModule

    assert potbench.loading.AtomsDataModule is AtomsDataModule
    with pytest.raises(AttributeError, match="has no attribute 'AtomDataModule'"):
        _ = potbench.loading.AtomDataModule
