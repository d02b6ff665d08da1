import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from potbench.datasets import DatasetInfo, Generated
from potbench.datasets.generated_manifest import GeneratedManifest, GeneratedMolecule
from potbench.errors import DataFileError
from potbench.generation.conformers import Conformers
from potbench.generation.dataset_file import write_dataset
from potbench.generation.normal_modes import NormalModes

NUMBERS = {"water": [8, 1, 1], "ammonia": [7, 1, 1, 1]}
MANIFEST = GeneratedManifest(
    theory="springs",
    license="MIT",
    citation="by hand",
    molecules={"water": GeneratedMolecule(4), "ammonia": GeneratedMolecule(4)},
    isolated_atom_energies={"H": -13.6, "N": -1486.0, "O": None},
)


def conformers(numbers: list[int]) -> Conformers:
    rng = np.random.default_rng(len(numbers))
    shape = (len(numbers), 3)
    return Conformers(
        atomic_numbers=np.array(numbers, np.uint8),
        start=np.zeros(shape),
        modes=NormalModes(np.zeros(shape), np.zeros((2, *shape)), np.ones(2), np.ones(2)),
        positions=list(rng.normal(size=(4, *shape))),
        energy=rng.normal(size=4).tolist(),
        forces=list(rng.normal(size=(4, *shape))),
        redrawn=[(0, 0)] * 4,
        seconds=0.0,
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "mine.h5"
    write_dataset(file, {name: conformers(numbers) for name, numbers in NUMBERS.items()}, MANIFEST)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(DataFileError) as error:
        list(Generated(file).read())
    assert str(file) in str(error.value)
    return str(error.value)


def test_what_was_written_is_read(file: Path):
    molecules = list(Generated(file).read())
    assert [frames.molecule for frames in molecules] == ["water", "ammonia"]
    for frames in molecules:
        expected = conformers(NUMBERS[frames.molecule])
        assert np.array_equal(frames.atomic_numbers, expected.atomic_numbers)
        assert np.array_equal(frames.positions, expected.positions)
        assert np.array_equal(frames.energy, expected.energy)
        assert frames.forces is not None
        assert np.array_equal(frames.forces, expected.forces)
        assert frames.energy.dtype == frames.positions.dtype == np.float64


def test_arrays_are_compressed_and_have_the_stated_dtypes(file: Path):
    with h5py.File(file) as source:
        for name, dtype in {"atomic_numbers": "u1", "positions": "f8", "energy": "f8", "forces": "f8"}.items():
            assert source["water"][name].dtype == dtype
            assert source["water"][name].compression == "gzip"


def test_a_file_that_cannot_be_written_whole_is_not_there(tmp_path: Path):
    molecules = {name: conformers(numbers) for name, numbers in NUMBERS.items()}
    molecules["ammonia"].forces.pop()
    molecules["ammonia"].forces.append(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="same shape"):
        write_dataset(tmp_path / "mine.h5", molecules, MANIFEST)
    assert list(tmp_path.iterdir()) == []


def test_its_facts_come_from_the_manifest(file: Path):
    generated = Generated(str(file))
    assert generated.manifest == MANIFEST
    assert generated.info == DatasetInfo("mine", "springs", "by hand", "MIT", has_forces=True)
    assert generated.elements == ["H", "N", "O"]
    assert generated.files == [file]


def test_energies_of_free_atoms_that_could_not_be_computed_are_left_out(file: Path):
    assert Generated(file).isolated_atom_energies() == {"H": -13.6, "N": -1486.0}


def rewrite(file: Path, manifest: str | None) -> None:
    with h5py.File(file, "r+") as target:
        del target.attrs["manifest"]
        if manifest is not None:
            target.attrs["manifest"] = manifest


def test_a_manifest_of_version_0_1_is_read(file: Path):
    manifest = json.loads(MANIFEST.to_json())
    manifest["licence"] = manifest.pop("license")
    manifest["isolated_atoms"] = manifest.pop("isolated_atom_energies")
    rewrite(file, json.dumps(manifest))
    assert Generated(file).manifest == MANIFEST


def test_a_manifest_needs_the_facts_that_are_reported_alone(file: Path):
    needed = {"theory": "springs", "license": "MIT", "citation": "by hand", "molecules": {"water": {"frames": 4}}}
    rewrite(file, json.dumps({**needed, "not known yet": 1}))
    assert Generated(file).info.theory == "springs"
    assert Generated(file).isolated_atom_energies() is None
    assert [frames.molecule for frames in Generated(file).read()] == ["water"]


@pytest.mark.parametrize(
    "wrong",
    [{"theory": 1}, {"molecules": ["water"]}, {"molecules": {"water": 4}}, {"isolated_atom_energies": {"H": "low"}}],
)
def test_a_value_of_the_wrong_type_is_named(file: Path, wrong: dict[str, object]):
    rewrite(file, json.dumps({**json.loads(MANIFEST.to_json()), **wrong}))
    assert f"has no manifest that states its {next(iter(wrong))}. " in refusal(file)


def test_a_missing_file_is_said(tmp_path: Path):
    message = refusal(tmp_path / "nothing.h5")
    assert message.endswith(
        "nothing.h5 does not exist. Expected a file of the dataset there. Change the argument file of Generated."
    )


def test_a_file_cut_short_is_said(file: Path):
    whole = file.read_bytes()
    for kept in (0, 100, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:kept])
        assert "truncated" in refusal(file)


def test_a_file_of_another_kind_is_said(file: Path):
    file.write_text("not HDF5 at all")
    assert "cannot be read as HDF5" in refusal(file)


@pytest.mark.parametrize("manifest", [None, "not JSON", "[]", json.dumps({"theory": "springs"})])
def test_a_file_without_manifest_is_said(file: Path, manifest: str | None):
    rewrite(file, manifest)
    assert "has no manifest that states its" in refusal(file)


@pytest.mark.parametrize("missing", ["water", "water/forces", "ammonia/atomic_numbers"])
def test_a_missing_array_is_said(file: Path, missing: str):
    with h5py.File(file, "r+") as target:
        del target[missing]
    assert "layout" in refusal(file)


def test_shapes_that_do_not_fit_are_said(file: Path):
    with h5py.File(file, "r+") as target:
        del target["water/forces"]
        target["water/forces"] = np.zeros((4, 2, 3))
    assert "forces has shape (4, 2, 3), expected (4, 3, 3)" in refusal(file)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["energy", "forces", "positions"])
def test_a_label_that_is_not_finite_is_said(file: Path, name: str, value: float):
    with h5py.File(file, "r+") as target:
        target["ammonia"][name][2] = value
    assert f"{name} of frame 2 is NaN or infinite" in refusal(file)


def test_other_units_than_those_that_potbench_writes_are_refused(file: Path):
    with h5py.File(file, "a") as root:
        manifest = json.loads(root.attrs["manifest"])
        manifest["units"] |= {"energy": "hartree", "forces": "eV / Å"}
        root.attrs["manifest"] = json.dumps(manifest)
    assert "it states energies in hartree, not in eV." in refusal(file)
