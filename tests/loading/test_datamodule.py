from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from potbench.batch import Batch
from potbench.datasets import RMD17, ExtendedXYZ
from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, OfficialSplit, RandomSplit
from potbench.units import ENERGY_UNITS
from tests.native_files.ase_files import write_extended_xyz
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


def test_every_set_is_delivered_once_and_no_other_frame(made):
    data = opened(made)
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    for frames, loader in zip(data.indices, loaders, strict=True):
        assert sorted(drawn(loader)) == frames.tolist()


def test_frames_of_validation_and_test_never_train(made):
    data = opened(made)
    sampler = data.train_dataloader().batch_sampler
    others = {*data.indices.validation.tolist(), *data.indices.test.tolist()}
    for epoch in range(20):
        sampler.set_epoch(epoch)
        assert not others.intersection(np.concatenate(list(sampler)).tolist())


def test_statistics_see_the_training_set_only(tmp_path, made):
    data = opened(made)

    def poisoned():
        energy = np.concatenate([chunk.energy for chunk in blocks()])
        energy[data.indices.validation] = energy[data.indices.test] = 1e6
        ends = np.cumsum([len(chunk.energy) for chunk in blocks()])
        return [chunk._replace(energy=one) for chunk, one in zip(blocks(), np.split(energy, ends[:-1]), strict=True)]

    other = opened(Made(made.file, poisoned), root=tmp_path / "poisoned")
    assert other.store.energy.max() == 1e6
    assert other.statistics == data.statistics


def test_validation_and_test_come_in_order(made):
    data = opened(made, evaluation_batch_size=3)
    assert drawn(data.val_dataloader()) == data.indices.validation.tolist()
    assert drawn(data.test_dataloader()) == data.indices.test.tolist()
    assert max(len(batch.frame) for batch in data.test_dataloader()) <= 3


def test_evaluation_batches_alone_have_fewer_frames_of_large_molecules(made, monkeypatch):
    monkeypatch.setattr("potbench.loading.sampler.MOST_ATOMS", 3)
    data = opened(made)
    for loader, frames in (
        (data.val_dataloader(), data.indices.validation),
        (data.test_dataloader(), data.indices.test),
    ):
        batches = list(loader)
        assert len(batches) > 1
        assert drawn(batches) == frames.tolist()
        assert all(len(batch.frame) == 1 or len(batch.positions) <= 12 for batch in batches)
    assert max(len(batch.positions) for batch in data.train_dataloader()) > 12


def test_another_split_or_batch_size_uses_the_same_store(made):
    one, other = opened(made), opened(made, RandomSplit(5, 5, 5, seed=3), batch_size=2)
    assert one.store.folder == other.store.folder
    assert made.times_read == 1


def test_stores_are_where_potbench_data_says(made, prepared, tmp_path):
    assert opened(made).store.folder.parent == prepared
    assert opened(made, root=tmp_path / "here").store.folder.parent == tmp_path / "here"
    assert made.root == tmp_path / "here"


def test_elements_are_known_from_the_store_where_the_files_are_gone(tmp_path):
    write_rmd17(tmp_path / "files")
    before = opened(RMD17("ethanol", folder=tmp_path / "files"), OfficialSplit("01", validation=2))
    for file in (tmp_path / "files").iterdir():
        file.unlink()
    after = opened(RMD17("ethanol", folder=tmp_path / "files"), OfficialSplit("01", validation=2))
    assert after.elements == before.elements == ["H", "C", "O"]
    assert after.indices.fingerprint == before.indices.fingerprint


@pytest.mark.parametrize("setting", ["batch_size", "evaluation_batch_size"])
def test_a_batch_of_nothing_is_refused(made, setting):
    with pytest.raises(SettingError) as caught:
        AtomsDataModule(made, **{setting: 0})
    assert (
        str(caught.value) == f"{setting} is 0, expected more than 0. Change the argument {setting} of AtomsDataModule."
    )


@pytest.mark.parametrize(
    ("evaluation_batch_size", "setting"), [(4, "batch_size"), (2, "evaluation_batch_size"), (None, "batch_size")]
)
def test_a_process_without_frames_is_refused_with_the_setting_that_is_too_small(made, evaluation_batch_size, setting):
    batch_size = 2 if setting == "batch_size" else 4
    data = opened(made, batch_size=batch_size, evaluation_batch_size=evaluation_batch_size)
    data.trainer = SimpleNamespace(global_rank=0, world_size=3, overfit_batches=0)
    loader = data.train_dataloader if setting == "batch_size" else data.val_dataloader
    with pytest.raises(SettingError, match="frames in batches of 2 leave some of 3 processes without any") as caught:
        loader()
    assert (caught.value.owner, caught.value.setting) == (AtomsDataModule, setting)


@pytest.mark.parametrize("setting", ["seed", "num_workers"])
def test_numbers_below_zero_are_refused(made, setting):
    with pytest.raises(SettingError, match=f"{setting} is -1, expected 0 or more"):
        AtomsDataModule(made, **{setting: -1})


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
def test_a_resumed_run_sees_the_batches_that_it_would_have_seen(made, tmp_path):
    straight, _ = trained(opened(made), tmp_path, 4)
    assert len({str(epoch) for epoch in straight}) == 4
    assert trained(opened(made, num_workers=1), tmp_path, 4)[0] == straight
    first, trainer = trained(opened(made), tmp_path, 2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    second, _ = trained(opened(made), tmp_path, 4, tmp_path / "half.ckpt")
    assert first + second == straight


@pytest.mark.filterwarnings("ignore")
def test_unshuffled_batches_come_in_the_order_of_the_dataset_also_after_a_resume(made, tmp_path):
    straight, _ = trained(opened(made, shuffle=False), tmp_path, 3)
    frames = opened(made).indices.train.tolist()
    assert frames == sorted(frames)
    assert [[frame for batch in epoch for frame in batch] for epoch in straight] == [frames] * 3
    assert len(straight[0]) == 3
    assert trained(opened(made, shuffle=False, num_workers=1), tmp_path, 3)[0] == straight
    first, trainer = trained(opened(made, shuffle=False), tmp_path, 2)
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    second, _ = trained(opened(made, shuffle=False), tmp_path, 3, tmp_path / "half.ckpt")
    assert first + second == straight


ATOMS = {"H": -13.6, "C": -1029.5, "N": -1485.0, "O": -2042.0}


def test_reference_energies_are_those_given(made):
    data = opened(made, reference_energies={"S": -10_000.0, **ATOMS})
    assert data.statistics.reference_energies == {1: -13.6, 6: -1029.5, 7: -1485.0, 8: -2042.0}


def test_reference_energies_are_those_of_isolated_atoms_where_the_dataset_has_them(made, monkeypatch):
    monkeypatch.setattr(Made, "isolated_atom_energies", lambda self: ATOMS)
    data = opened(made, reference_energies="isolated atoms")
    assert data.statistics.reference_energies == {1: -13.6, 6: -1029.5, 7: -1485.0, 8: -2042.0}


def test_isolated_atoms_that_the_dataset_does_not_have_are_refused(made):
    with pytest.raises(SettingError, match="made does not have the energies of isolated atoms") as caught:
        AtomsDataModule(made, reference_energies="isolated atoms")
    assert (caught.value.owner, caught.value.setting) == (AtomsDataModule, "reference_energies")


def test_a_missing_reference_energy_is_named(made):
    with pytest.raises(SettingError) as caught:
        opened(made, reference_energies={"H": -13.6, "C": -1029.5})
    assert str(caught.value) == (
        "There is no reference energy of N, O. Expected every element of the dataset: H, C, N, O. Change the argument "
        "reference_energies of AtomsDataModule."
    )


@pytest.mark.parametrize("unit", ["hartree", "Ry", "kcal/mol", "kJ/mol", "meV"])
def test_reference_energies_in_another_unit_are_refused(made, unit):
    with pytest.raises(
        SettingError, match=rf"^In {unit}, these numbers add up to the energies of the training set\. .*eV"
    ):
        opened(made, reference_energies={symbol: energy / ENERGY_UNITS[unit] for symbol, energy in ATOMS.items()})


@pytest.mark.parametrize(
    "given", [dict.fromkeys(ATOMS, 0.0), {symbol: energy * 0.6 for symbol, energy in ATOMS.items()}]
)
def test_reference_energies_that_add_up_to_anything_else_are_taken_as_they_are(made, given):
    assert opened(made, reference_energies=given).statistics.reference_energies[6] == given["C"]


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("limit", [1, 2, 0.5])
def test_overfitted_batches_are_the_same_in_each_epoch(made, limit, workers):
    class Seen(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.frames: list[tuple[int, ...]] = []

        def training_step(self, batch, index):
            self.frames.append((self.current_epoch, *batch.frame.tolist()))
            return self.weight.sum()

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters())

    def seen(**settings) -> list[list[tuple[int, ...]]]:
        task = Seen()
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
        trainer = Trainer(max_epochs=3, limit_val_batches=0, use_distributed_sampler=False, **quiet, **settings)
        trainer.fit(task, datamodule=opened(made, batch_size=4, num_workers=workers))
        return [[frames for when, *frames in task.frames if when == epoch] for epoch in range(3)]

    first, *others = seen(overfit_batches=limit)
    assert others == [first, first]
    # those that a training begins with, in their order
    whole = seen()
    assert whole[0][: len(first)] == first
    assert whole[1] != whole[0]
    assert len(first) == (limit if limit >= 1 else len(whole[0]) // 2)


class NoValidation(RandomSplit):
    def divide(self, store):
        found = super().divide(store)
        return replace(found, validation=found.validation[:0])


def test_a_set_without_frames_is_refused_when_it_is_asked_for(made):
    data = opened(made, NoValidation(11, 4, 4))
    assert len(data.test_dataloader())
    with pytest.raises(SettingError, match="has no frames for this"):
        data.val_dataloader()


def test_fewer_frames_than_processes_are_refused_by_the_split_and_not_by_the_size_of_batches(made):
    data = opened(made, RandomSplit(11, 1, 7))
    data.trainer = SimpleNamespace(global_rank=0, world_size=2)
    assert len(data.test_dataloader())
    said = "2 processes are to share 1 of .*Expected a frame for each process"
    with pytest.raises(SettingError, match=said) as raised:
        data.val_dataloader()
    assert raised.value.setting == "split"


def test_a_prepared_file_of_the_users_is_not_read_to_find_its_elements(tmp_path, monkeypatch):
    write_extended_xyz(tmp_path / "a.xyz")
    recipe = (tmp_path / "a.xyz", "hartree", "Å")
    first = AtomsDataModule(ExtendedXYZ(*recipe), batch_size=4, root=tmp_path / "root")
    elements = first.elements
    first.prepare_data()
    monkeypatch.setattr(ExtendedXYZ, "survey", None)
    assert AtomsDataModule(ExtendedXYZ(*recipe), batch_size=4, root=tmp_path / "root").elements == elements
