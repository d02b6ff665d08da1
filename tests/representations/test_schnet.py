import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.geometry import pairs
from potbench.representations import SchNet


def batch_at(*positions, number=1):
    count = len(positions)
    return Batch.from_arrays(np.full(count, number), np.array(positions, dtype=float), np.array([count]), np.zeros(1))


def small(elements=("H",)):
    torch.manual_seed(0)
    return SchNet(list(elements), num_features=8, num_interactions=2)


def features(representation, batch):
    return representation(batch, torch.zeros_like(batch.atomic_numbers)).detach()


@pytest.mark.parametrize(("distance", "interact"), [(4.8, True), (5.01, False)])
def test_atoms_beyond_the_cutoff_do_not_interact(distance, interact):
    alone = features(small(), batch_at([0, 0, 0]))
    with_another = features(small(), batch_at([0, 0, 0], [distance, 0, 0]))
    assert ((with_another[:1] - alone).abs().max() > 1e-5) == interact


def test_pairs_beyond_the_cutoff_that_are_left_in_contribute_nothing(monkeypatch):
    batch = batch_at([0, 0, 0], [1, 0, 0], [0, 5.5, 0], [0, 0, 7])
    expected = features(small(), batch)
    everything = pairs.pairs_within(batch, None)
    monkeypatch.setattr("potbench.representations.schnet.pairs_within", lambda batch, cutoff: everything)
    torch.testing.assert_close(features(small(), batch), expected)


@pytest.mark.parametrize(("symbol", "number"), [("Es", 99), ("Fm", 100), ("Og", 118)])
def test_no_element_is_too_heavy(symbol, number):
    assert features(small(["H", symbol]), batch_at([0, 0, 0], [2, 0, 0], number=number)).isfinite().all()


def test_published_weights_fit():
    assert small().network.embedding.weight.shape == (100, 8)
