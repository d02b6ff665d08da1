from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.errors import DataFileError, SettingError
from potbench.loading import AtomsDataModule, ColumnWeights, EnergyWeights, RandomSplit, Store
from potbench.loading.splits import SplitIndices
from potbench.loading.weights import FrameWeights
from potbench.structures import Frames
from potbench.training import EnergyForcesLoss
from tests.native_files.made import Made, blocks
from tests.training.small_task import quiet_trainer, small_potential, small_task

COUNTS = {"CH4": 5, "H2O": 3, "NH3": 4, "HCN": 7}
DIVIDED = SplitIndices(np.array([0, 1, 2, 5, 6, 8, 9, 12]), np.array([3, 7, 13, 14]), np.array([4, 10, 11, 15]))


def with_columns(chunks: list[Frames], **of_frame: object) -> list[Frames]:
    return [
        chunk._replace(columns={name: np.full(len(chunk.energy), value) for name, value in of_frame.items()})
        for chunk in chunks
    ]


def test_frames_of_high_energy_count_less_by_their_own_molecule(store: Store) -> None:
    weights = EnergyWeights(scale=0.5).of(store, DIVIDED)
    unscaled = np.ones(len(store))
    starts = np.cumsum([0, *COUNTS.values()])
    for start, end in itertools.pairwise(starts):
        lowest = min((store.energy[i] for i in DIVIDED.train if start <= i < end), default=None)
        for i in (i for part in DIVIDED[:2] for i in part if start <= i < end):
            unscaled[i] = 1.0 if lowest is None else np.exp(-max(store.energy[i] - lowest, 0.0) / 0.5)
    scaled = np.concatenate(DIVIDED[:2])
    np.testing.assert_allclose(weights[scaled], (unscaled / unscaled[DIVIDED.train].mean())[scaled], rtol=1e-12)
    assert weights[DIVIDED.train].mean() == pytest.approx(1)
    assert (weights[DIVIDED.test] == 1).all()
    assert len(np.unique(weights[DIVIDED.train])) > 3


def test_weights_by_energy_do_not_fall_below_the_smallest(store: Store) -> None:
    weights = EnergyWeights(scale=1e-6, smallest=0.25).of(store, DIVIDED)
    assert weights[DIVIDED.train].min() / weights[DIVIDED.train].max() == pytest.approx(0.25)


def test_a_column_of_the_file_weights_its_frames(tmp_path: Path) -> None:
    chunks = [
        chunk._replace(columns={"weight": np.arange(len(chunk.energy)) + 1.0, "kind": np.full(len(chunk.energy), "MD")})
        for chunk in blocks()
    ]
    store = Store.write(tmp_path / "store", chunks)
    expected = np.concatenate([np.arange(count) + 1.0 for count in COUNTS.values()])
    weights = ColumnWeights("weight").of(store, DIVIDED)
    for part in DIVIDED[:2]:
        np.testing.assert_allclose(weights[part], expected[part] / expected[DIVIDED.train].mean())
    with pytest.raises(SettingError, match=r"holds text, such as MD\. Expected a column of numbers\..*column of Colu"):
        ColumnWeights("kind").of(store, DIVIDED)
    with pytest.raises(SettingError, match=r"was read without a column wait\. Expected one of .*: kind, weight\."):
        ColumnWeights("wait").of(store, DIVIDED)


@pytest.mark.parametrize("value", [-1.0, 0.0])
def test_weights_that_are_negative_or_all_zero_are_refused(tmp_path: Path, value: float) -> None:
    store = Store.write(tmp_path / "store", with_columns(blocks(), weight=value))
    with pytest.raises(DataFileError, match=r"smallest weight of a frame is .*\. Expected none below 0"):
        ColumnWeights().of(store, DIVIDED)


def test_columns_survive_a_store_and_change_its_fingerprint(tmp_path: Path) -> None:
    chunks = with_columns(blocks(), weight=0.1, kind="MD Δ")
    store, plain = Store.write(tmp_path / "columns", chunks), Store.write(tmp_path / "plain", blocks())
    assert (store.columns["weight"] == 0.1).all()
    assert set(store.columns["kind"]) == {"MD Δ"}
    assert plain.columns == {}
    other = Store.write(tmp_path / "other", with_columns(blocks(), weight=0.1, kind="MD"))
    assert len({store.fingerprint, plain.fingerprint, other.fingerprint}) == 3


def test_columns_of_some_molecules_or_of_two_kinds_are_refused(tmp_path: Path) -> None:
    first, *rest = blocks()
    with pytest.raises(DataFileError, match="weight in some molecules only"):
        Store.write(tmp_path / "some", [*with_columns([first], weight=1.0), *rest])
    with pytest.raises(DataFileError, match="weight is a number in some molecules and text in others"):
        Store.write(tmp_path / "kinds", [*with_columns([first], weight=1.0), *with_columns(rest, weight="one")])


def test_the_loss_of_a_molecule_is_multiplied_by_its_weight() -> None:
    batch = Batch.from_frames(*blocks(forces=True))
    potential, loss = small_potential(), EnergyForcesLoss(energy=1.0, forces=2.0)
    prediction = potential(batch, forces=True)
    weight = torch.linspace(0, 2, len(batch.energy), dtype=torch.float64)
    weighted = loss(prediction, batch._replace(weight=weight))
    torch.testing.assert_close(weighted, weight * loss(prediction, batch), rtol=0, atol=0)


class Few(FrameWeights):
    """Counts three frames of the training set alone."""

    def weigh(self, store, train, frames):
        return np.isin(frames, train[:3]).astype(float)


@pytest.mark.parametrize("workers", [0, 1])
def test_frames_without_weight_train_nothing(tmp_path: Path, workers: int) -> None:
    def trained(energy: float) -> dict[str, torch.Tensor]:
        def make() -> list[Frames]:
            return chunks

        chunks = blocks()
        split = RandomSplit(11, 4, 4)
        counted = split.divide(Store.write(tmp_path / str(energy), chunks)).train[:3]
        start = 0
        for chunk in chunks:
            ignored = ~np.isin(np.arange(start, start + len(chunk.energy)), counted)
            chunk.energy[ignored] += energy
            start += len(chunk.energy)
        file = tmp_path / f"{energy}.h5"
        file.write_text(str(energy))
        references = dict.fromkeys(["H", "C", "N", "O"], -10.0)
        data = AtomsDataModule(
            Made(file, make), split, 4, reference_energies=references, num_workers=workers, weights=Few()
        )
        task = small_task()
        task.potential.adapt = lambda statistics: None  # offset and scale depend on all frames
        quiet_trainer(tmp_path).fit(task, datamodule=data)
        return {name: weight.detach().clone() for name, weight in task.named_parameters()}

    one, other = trained(0.0), trained(5.0)
    assert all(torch.equal(one[name], other[name]) for name in one)
