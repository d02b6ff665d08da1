"""Features on a common scale: what is fitted, where, and that nothing else changes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.potentials import AtomicPotential
from potbench.potentials.standardization import Standardization
from potbench.readouts import FeedForward, Linear
from potbench.representations import ACE, AEV, SchNet
from potbench.training import GradientTask, LeastSquaresTask
from potbench.training.feature_cache import FeatureCache
from tests.training.small_task import ELEMENTS, quiet_trainer, small_data


def standardized(elements: list[str] = ELEMENTS) -> AtomicPotential:
    torch.manual_seed(0)
    return AtomicPotential(
        elements,
        lambda elements: AEV(elements, radial_shifts=4, angular_shifts=2, angular_sections=2),
        lambda elements, num_features: FeedForward(elements, num_features, [8]),
        standardize=True,
    )


def layer(potential: AtomicPotential) -> Standardization:
    assert potential.standardization is not None
    return potential.standardization


def test_training_features_of_each_element_have_mean_0_and_spread_1(tmp_path: Path) -> None:
    potential, data = standardized(), small_data(tmp_path)
    quiet_trainer(tmp_path, epochs=1).fit(GradientTask(potential), datamodule=data)
    seen: dict[str, list[torch.Tensor]] = {symbol: [] for symbol in ELEMENTS}
    for batch in data.train_dataloader():
        element = potential.element(batch)
        values = layer(potential)(potential.features(batch), element)
        for index, symbol in enumerate(ELEMENTS):
            seen[symbol].append(values[element == index])
    for index, symbol in enumerate(ELEMENTS):
        values = torch.cat(seen[symbol])
        if len(values) > 1:
            torch.testing.assert_close(values.mean(0), torch.zeros(values.shape[1]), rtol=0, atol=1e-4)
            spread, limit = values.std(0, correction=0), layer(potential).spread[index]
            free = limit > 1.01 * layer(potential).smallest_spread * limit.max()
            assert free.any()
            torch.testing.assert_close(spread[free], torch.ones(int(free.sum())), rtol=1e-3, atol=0)
            assert spread.max() <= 1.001


def test_what_hardly_varies_is_divided_by_a_tenth_of_the_largest_spread_and_constants_by_1() -> None:
    layer = Standardization(["H", "C", "O"], 3)
    features = torch.tensor([[0.0, 5.0, 0.1], [2.0, 5.0, 0.101], [7.0, 8.0, 9.0]])
    layer.fit([(features[:1], torch.tensor([0])), (features[1:], torch.tensor([0, 1]))])
    assert layer.center.tolist() == [[1.0, 5.0, pytest.approx(0.1005)], [7.0, 8.0, 9.0], [0.0, 0.0, 0.0]]
    assert layer.spread.tolist() == [[1.0, pytest.approx(0.1), pytest.approx(0.1)], [1.0] * 3, [1.0] * 3]


def test_the_smallest_spread_is_a_setting() -> None:
    potential = AtomicPotential(
        ["H"], AEV, partial(FeedForward, hidden_sizes=[8]), standardize=True, smallest_spread=0.3
    )
    features = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.8, 0.1]])
    few = Standardization(["H"], 3, layer(potential).smallest_spread)
    few.fit([(features, torch.tensor([0, 0]))])
    assert few.spread.tolist() == [[1.0, pytest.approx(0.4), pytest.approx(0.3)]]


@pytest.mark.parametrize("spread", [0.0, -0.1, 1.5, float("nan")])
def test_a_smallest_spread_that_none_can_have_is_refused(spread: float) -> None:
    with pytest.raises(SettingError, match="more than 0, and at most 1") as caught:
        AtomicPotential(["H"], AEV, partial(FeedForward, hidden_sizes=[8]), standardize=True, smallest_spread=spread)
    assert (caught.value.owner, caught.value.setting) == (AtomicPotential, "smallest_spread")


def test_rounding_is_no_spread() -> None:
    """Of equal atoms, the mean may not be one of them to the last digit."""
    layer = Standardization(["H"], 50)
    layer.fit([(torch.linspace(0.1, 1.1, 50).repeat(1001, 1), torch.zeros(1001, dtype=torch.int64))])
    assert layer.spread.tolist() == [[1.0] * 50]


def test_a_standardized_readout_is_that_of_standardized_features() -> None:
    water = molecule("H2O")
    batch = Batch.from_arrays(water.numbers, water.positions, np.array([3]), np.zeros(1))
    potential = standardized()
    plain = potential(batch).energy
    with torch.no_grad():
        layer(potential).center.fill_(0.25)
        layer(potential).spread.fill_(2.0)
        element = potential.element(batch)
        by_hand = potential.readout((potential.features(batch) - 0.25) / 2.0, batch, element).sum()
    torch.testing.assert_close(potential(batch).energy.float(), by_hand.reshape(1))
    assert not torch.allclose(potential(batch).energy, plain)


@pytest.mark.parametrize("forces", [0.0, 1.0])
def test_cached_features_train_to_the_same_weights(tmp_path: Path, forces: float) -> None:
    trained = []
    for callbacks in ([], [FeatureCache()]):
        task = GradientTask(standardized())
        task.loss.forces = forces
        data = small_data(tmp_path, forces=forces > 0)
        # enough epochs for cached derivatives to repay
        quiet_trainer(tmp_path, *callbacks, epochs=40).fit(task, datamodule=data)
        trained.append(task.potential.state_dict())
    for name, value in trained[0].items():
        torch.testing.assert_close(trained[1][name], value, rtol=2e-3, atol=2e-4, msg=lambda text, name=name: name)


def test_a_second_training_of_the_same_potential_fits_it_to_its_own_frames(tmp_path: Path) -> None:
    potential, data = standardized(), small_data(tmp_path)
    data.prepare_data()
    data.setup("fit")
    layer(potential).fit([(torch.ones(4, layer(potential).center.shape[1]), torch.arange(4))])
    quiet_trainer(tmp_path, epochs=1).fit(GradientTask(potential), datamodule=data)
    once = layer(potential).center.clone()
    quiet_trainer(tmp_path, epochs=1).fit(GradientTask(potential), datamodule=data)
    torch.testing.assert_close(layer(potential).center, once)
    assert not torch.allclose(once, torch.ones_like(once))


def test_learned_features_are_not_standardized() -> None:
    with pytest.raises(SettingError, match="SchNet learns its features"):
        AtomicPotential(
            ELEMENTS,
            lambda elements: SchNet(elements, num_features=8, num_interactions=1),
            lambda elements, num_features: FeedForward(elements, num_features, [8]),
            standardize=True,
        )


def test_columns_of_least_squares_are_not_standardized() -> None:
    potential = AtomicPotential(["H", "O"], ACE, Linear, standardize=True)
    with pytest.raises(SettingError, match="standardize"):
        LeastSquaresTask(potential)


def test_every_element_has_a_row_of_its_own() -> None:
    tables = standardized().element_tables()
    assert tables["standardization.center"] == tables["standardization.spread"] == [(symbol,) for symbol in ELEMENTS]
