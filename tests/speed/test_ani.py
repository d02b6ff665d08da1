import pytest
import torch

from potbench.speed.ani import energy_ways, first_potential, force_ways
from potbench.speed.potbench_fit import PotbenchFit
from potbench.speed.torchani_loop import TorchANILoop
from potbench.speed.ways import compare


@pytest.fixture
def data(sample):
    return sample(16)


@pytest.mark.parametrize("ways", [energy_ways, force_ways])
@pytest.mark.slow
def test_losses_agree_over_more_than_one_epoch(ways, data):
    data.batch_size = 600
    potential = first_potential(data)
    batches_per_epoch = len(data.train_dataloader())
    compared = compare(ways(potential, data, batches_per_epoch + 1), num_rounds=1)
    assert len({way.name for way in compared}) == len(compared)
    for way in compared:
        assert len(way.losses) == batches_per_epoch + 1
        assert way.losses == pytest.approx(compared[0].losses, rel=1e-4)


def test_other_weights_are_noticed(data):
    potential, other = first_potential(data), first_potential(data)
    with torch.no_grad():
        next(other.parameters()).add_(0.01)
    batches = [next(iter(data.train_dataloader()))]
    ways = [TorchANILoop(potential, batches, forces=True), PotbenchFit("potbench", other, data, 1, forces=True)]
    with pytest.raises(ValueError, match="expected the same up to rounding"):
        compare(ways, num_rounds=1)


def test_other_batches_are_noticed(data):
    potential = first_potential(data)
    first = next(iter(data.train_dataloader()))
    fewer = first.select(list(range(1, len(first.energy))))
    ways = [TorchANILoop(potential, [fewer], forces=False), PotbenchFit("potbench", potential, data, 1)]
    with pytest.raises(ValueError, match="expected the same up to rounding"):
        compare(ways, num_rounds=1)


def test_every_turn_starts_from_the_same_weights(data):
    potential = first_potential(data)
    for way in energy_ways(potential, data, 2):
        assert way.train().losses == pytest.approx(way.train().losses, rel=1e-6)
