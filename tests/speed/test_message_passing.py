from itertools import islice

import pytest
import torch

from potbench.speed.message_passing import NETWORKS, message_passing_ways
from potbench.speed.ways import compare


@pytest.fixture
def data(sample):
    return sample(6)


@pytest.mark.parametrize("name", NETWORKS)
def test_schnetpack_and_potbench_do_the_same_steps(data, name):
    batches = list(islice(data.train_dataloader(), 3))
    compared = compare(message_passing_ways(name, data, batches), num_rounds=1)
    assert len(compared) == 3
    for way in compared:
        assert len(way.losses) == 3
        assert way.losses == pytest.approx(compared[0].losses, rel=1e-4)


def test_sizes_are_those_asked_for(data):
    batches = list(islice(data.train_dataloader(), 1))
    sizes = {"num_features": 10, "num_interactions": 2}
    loop, _, ours = message_passing_ways("painn", data, batches, sizes)
    for network in (loop.model.representation, ours.start.representation.network):
        assert (network.n_atom_basis, len(network.interactions)) == (10, 2)


def test_other_weights_are_noticed(data):
    batches = list(islice(data.train_dataloader(), 1))
    loop, _, ours = message_passing_ways("schnet", data, batches)
    with torch.no_grad():
        next(ours.start.parameters()).add_(0.01)
    with pytest.raises(ValueError, match="expected the same up to rounding"):
        compare([loop, ours], num_rounds=1)


def test_every_turn_starts_from_the_same_weights(data):
    loop, alone, _ = message_passing_ways("painn", data, list(islice(data.train_dataloader(), 2)))
    assert loop.train().losses == loop.train().losses == alone.train().losses
