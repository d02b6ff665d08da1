from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from potbench.batch import Batch
from potbench.datasets import ANI1, RMD17
from potbench.errors import DataFileError
from potbench.loading import AtomsDataModule, OfficialSplit, RandomSplit
from tests.native_files import conformers, write_ani1
from tests.native_files.made import Made, blocks
from tests.native_files.npz import write_rmd17


@pytest.fixture
def made(tmp_path: Path) -> Made:
    file = tmp_path / "made.h5"
    file.write_text("some content")
    return Made(file)


def opened(dataset, split=None, **settings) -> AtomsDataModule:
    data = AtomsDataModule(dataset, split or RandomSplit(11, 4, 4), **{"batch_size": 4, **settings})
    data.prepare_data()
    data.setup("fit")
    return data


def drawn(loader) -> list[int]:
    return [frame for batch in loader for frame in batch.frame.tolist()]


def same(one: Batch, other: Batch) -> bool:
    pairs = zip(one, other, strict=True)
    return all(torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b for a, b in pairs)


def test_every_part_is_delivered_once_and_no_other_frame(made):
    data = opened(made)
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    for part, loader in zip(data.indices, loaders, strict=True):
        assert sorted(drawn(loader)) == part.tolist()


def test_frames_of_the_test_part_never_train(made):
    data = opened(made)
    sampler = data.train_dataloader().batch_sampler
    kept_back = {*data.indices.validation.tolist(), *data.indices.test.tolist()}
    for epoch in range(20):
        sampler.set_epoch(epoch)
        assert not kept_back.intersection(np.concatenate(list(sampler)).tolist())


def test_statistics_see_the_training_part_only(tmp_path, made):
    data = opened(made)

    def poisoned():
        energy = np.concatenate([block.energy for block in blocks()])
        energy[data.indices.validation] = energy[data.indices.test] = 1e6
        ends = np.cumsum([len(block.energy) for block in blocks()])
        parts = np.split(energy, ends[:-1])
        return [block._replace(energy=part) for block, part in zip(blocks(), parts, strict=True)]

    other = opened(Made(made.file, poisoned), root=tmp_path / "poisoned")
    assert other.store.energy.max() == 1e6
    assert other.statistics == data.statistics


def test_validation_and_test_come_in_order(made):
    data = opened(made, evaluation_batch_size=3)
    assert drawn(data.val_dataloader()) == data.indices.validation.tolist()
    assert drawn(data.test_dataloader()) == data.indices.test.tolist()
    assert max(len(batch.frame) for batch in data.test_dataloader()) <= 3


def test_the_dataset_is_read_once(made):
    for _ in range(3):
        opened(made)
    assert made.times_read == 1


def test_another_split_or_batch_size_uses_the_same_store(made):
    one, other = opened(made), opened(made, RandomSplit(5, 5, 5, seed=3), batch_size=2)
    assert one.store.folder == other.store.folder
    assert made.times_read == 1


def test_a_changed_file_gets_a_store_of_its_own(made):
    before = opened(made)
    made.file.write_text("other content")
    after = opened(made)
    assert made.times_read == 2
    assert before.store.folder != after.store.folder
    assert before.store.manifest["sources"] != after.store.manifest["sources"]


def test_other_options_get_a_store_of_their_own(made, monkeypatch):
    before = opened(made).store.folder
    monkeypatch.setattr(Made, "options", property(lambda self: {"molecule": "ethanol"}))
    assert opened(made).store.folder != before


def test_a_file_moved_elsewhere_keeps_its_store(tmp_path, made):
    before = opened(made)
    moved = tmp_path / "elsewhere" / made.file.name
    moved.parent.mkdir()
    made.file.replace(moved)
    assert opened(Made(moved)).store.folder == before.store.folder


def test_stores_stand_where_potbench_data_says(made, prepared, tmp_path):
    assert opened(made).store.folder.parent == prepared
    assert opened(made, root=tmp_path / "here").store.folder.parent == tmp_path / "here"


def test_the_manifest_says_where_the_numbers_come_from(tmp_path):
    file = write_ani1(tmp_path, {0: conformers("CH4", 20)})
    data = opened(ANI1(tmp_path, [1]))
    manifest = json.loads((data.store.folder / "manifest.json").read_text())
    assert manifest["name"] == "ani1"
    assert manifest["theory"] == "ωB97X/6-31G(d)"
    assert "doi:10.1038/sdata.2017.193" in manifest["citation"]
    assert manifest["units"] == {"positions": "Å", "energy": "eV", "forces": "eV/Å"}
    assert [source["file"] for source in manifest["sources"]] == [file.name]
    assert len(manifest["sources"][0]["sha256"]) == 64


def test_a_missing_file_is_named_before_anything_is_prepared(tmp_path, prepared):
    with pytest.raises(DataFileError) as caught:
        AtomsDataModule(ANI1(tmp_path, [1])).prepare_data()
    assert str(caught.value) == (
        f"{tmp_path / 'ani_gdb_s01.h5'} does not exist. Expected an original file of ani1: run `python -m potbench "
        "data prepare ani1 --heavy_atoms '[1]'`, or change data.init_args.dataset.init_args.folder to the folder that "
        "holds it."
    )
    assert not prepared.exists()


def test_a_file_found_damaged_while_preparing_leaves_nothing_behind(tmp_path, prepared):
    file = write_ani1(tmp_path, {number: conformers("CH4") for number in range(3)})
    with h5py.File(file, "r+") as root:
        root["gdb11_s01/gdb11_s01-2/energies"][1] = np.nan
    with pytest.raises(DataFileError, match="energy of frame 1 is NaN"):
        AtomsDataModule(ANI1(tmp_path, [1])).prepare_data()
    assert list(prepared.iterdir()) == []


@pytest.mark.parametrize("key", ["batch_size", "evaluation_batch_size"])
def test_a_batch_of_nothing_is_refused(made, key):
    with pytest.raises(ValueError, match="batch_size") as caught:
        AtomsDataModule(made, **{key: 0})
    assert str(caught.value) == f"data.init_args.{key} is 0, expected at least 1."


def test_the_same_settings_give_the_same_batches(made):
    torch.manual_seed(1)
    one = opened(made)
    torch.manual_seed(2)
    other = opened(made)
    for first, second in zip(one.train_dataloader(), other.train_dataloader(), strict=True):
        assert same(first, second)
    assert one.statistics == other.statistics
    assert drawn(opened(made, seed=1).train_dataloader()) != drawn(one.train_dataloader())


def test_processes_that_gather_give_the_same_batches(made):
    expected = list(opened(made).train_dataloader())
    gathered = list(opened(made, num_workers=2).train_dataloader())
    assert len(gathered) == len(expected)
    assert all(same(*pair) for pair in zip(gathered, expected, strict=True))


class Listener(LightningModule):
    """Writes down what it is given to train on."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.epochs: list[list[list[int]]] = []

    def on_train_epoch_start(self) -> None:
        self.epochs.append([])

    def training_step(self, batch: Batch, batch_index: int) -> torch.Tensor:
        self.epochs[-1].append(batch.frame.tolist())
        return self.weight * 0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


def trained(data: AtomsDataModule, folder: Path, epochs: int, checkpoint: Path | None = None):
    listener = Listener()
    trainer = Trainer(
        max_epochs=epochs,
        default_root_dir=folder,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    trainer.fit(listener, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return listener.epochs, trainer


@pytest.mark.filterwarnings("ignore")
def test_a_resumed_run_goes_on_with_the_batches_it_would_have_seen(made, tmp_path):
    straight, _ = trained(opened(made), tmp_path, 4)
    assert len({str(epoch) for epoch in straight}) == 4
    assert trained(opened(made, num_workers=1), tmp_path, 4)[0] == straight
    first, trainer = trained(opened(made), tmp_path, 2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    second, _ = trained(opened(made), tmp_path, 4, tmp_path / "half.ckpt")
    assert first + second == straight


def test_offsets_are_those_of_isolated_atoms_where_the_dataset_knows_them(made, monkeypatch):
    atoms = {"H": -13.6, "C": -1029.5, "N": -1485.0, "O": -2042.0}
    monkeypatch.setattr(Made, "atomic_energies", lambda self: atoms)
    data = opened(made, reference_energies="isolated atoms")
    assert data.statistics.reference_energies == {1: -13.6, 6: -1029.5, 7: -1485.0, 8: -2042.0}


def test_isolated_atoms_that_the_dataset_does_not_know_are_refused(made):
    with pytest.raises(ValueError, match="reference_energies is 'isolated atoms', but made does not say theirs"):
        AtomsDataModule(made, reference_energies="isolated atoms")


def test_files_may_be_deleted_once_a_store_stands_for_them(tmp_path):
    write_rmd17(tmp_path / "files")
    before = opened(RMD17("ethanol", folder=tmp_path / "files"), OfficialSplit("01", validation=2))
    for file in (tmp_path / "files").iterdir():
        file.unlink()
    after = opened(RMD17("ethanol", folder=tmp_path / "files"), OfficialSplit("01", validation=2))
    assert after.store.folder == before.store.folder
    assert after.elements == before.elements == ["H", "C", "O"]
    assert after.indices.fingerprint == before.indices.fingerprint


def test_files_that_are_gone_are_missed_where_two_stores_could_be_meant(tmp_path):
    for num_frames in (30, 40):
        write_rmd17(tmp_path / "files", num_frames=num_frames)
        opened(RMD17("ethanol", folder=tmp_path / "files"), OfficialSplit("01", validation=2))
    for file in (tmp_path / "files").iterdir():
        file.unlink()
    with pytest.raises(DataFileError, match=r"rmd17_ethanol\.npz does not exist"):
        AtomsDataModule(RMD17("ethanol", folder=tmp_path / "files")).prepare_data()


def test_large_files_are_not_read_again_to_find_their_store(tmp_path, monkeypatch):
    write_rmd17(tmp_path)
    opened(RMD17("ethanol", folder=tmp_path), OfficialSplit("01", validation=2))
    monkeypatch.setattr("potbench.loading.preparation.origin", None)
    assert len(opened(RMD17("ethanol", folder=tmp_path), OfficialSplit("01", validation=2)).store) == 40
