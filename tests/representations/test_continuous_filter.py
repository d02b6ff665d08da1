import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.geometry import pairs
from potbench.representations import ContinuousFilter


def hydrogens(*positions):
    count = len(positions)
    return Batch.from_arrays(np.ones(count, int), np.array(positions, dtype=float), np.array([count]), np.zeros(1))


def features(batch, **settings):
    torch.manual_seed(0)
    representation = ContinuousFilter(["H"], num_features=8, num_interactions=2, **settings)
    return representation(batch, torch.zeros_like(batch.atomic_numbers)).detach()


@pytest.mark.parametrize(("cutoff", "distance", "interact"), [(5.0, 4.8, True), (5.0, 5.01, False), (None, 99.0, True)])
def test_atoms_interact_up_to_the_cutoff_and_without_one_at_any_distance(cutoff, distance, interact):
    alone = features(hydrogens([0, 0, 0]), cutoff=cutoff)
    with_another = features(hydrogens([0, 0, 0], [distance, 0, 0]), cutoff=cutoff)
    assert ((with_another[:1] - alone).abs().max() > 1e-5) == interact


def test_pairs_beyond_the_cutoff_that_are_left_in_contribute_nothing(monkeypatch):
    batch = hydrogens([0, 0, 0], [1, 0, 0], [0, 5.5, 0], [0, 0, 7])
    expected = features(batch)
    everything = pairs.pairs_within(batch, None)
    monkeypatch.setattr("potbench.representations.continuous_filter.pairs_within", lambda batch, cutoff: everything)
    torch.testing.assert_close(features(batch), expected)


def test_a_norm_precedes_each_activation_where_asked_for():
    plain, normed = (
        [type(layer).__name__ for layer in ContinuousFilter(["H"], rms_norm=asked).modules()] for asked in (False, True)
    )
    assert "RMSNorm" not in plain
    activations = [place for place, name in enumerate(normed) if name == "ShiftedSoftplus"]
    assert len(activations) == 9
    assert all(normed[place - 1] == "RMSNorm" for place in activations)


def test_no_element_is_too_heavy():
    assert ContinuousFilter(["H", "Og"]).embedding.num_embeddings == 119
    assert ContinuousFilter(["H"]).embedding.num_embeddings == 100
