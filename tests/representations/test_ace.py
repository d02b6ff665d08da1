from __future__ import annotations

import pytest
import torch

from potbench.batch import Batch
from potbench.errors import SettingError
from potbench.representations import ACE
from tests.native_files.one_molecule import sample_frames

ELEMENTS = ["H", "C", "O"]
SMALL = {"max_degrees": (4, 4, 3), "max_l": (0, 2, 1)}


@pytest.fixture
def batch() -> Batch:
    torch.set_default_dtype(torch.float64)
    return Batch.from_frames(sample_frames("CH3OH", end=3), sample_frames("H2O", end=2))


def element_of(batch: Batch) -> torch.Tensor:
    return torch.tensor([{1: 0, 6: 1, 8: 2}[number] for number in batch.atomic_numbers.tolist()])


def test_features_are_products_of_sums_over_neighbors(batch: Batch) -> None:
    ace = ACE(ELEMENTS, **SMALL)
    projected = ace.projections(batch, element_of(batch))
    oxygen = torch.nonzero(batch.atomic_numbers == 8)[-1]  # of the last water
    lengths = (batch.positions[-3:] - batch.positions[oxygen]).norm(dim=1)
    lengths = lengths[lengths > 0.1]
    assert torch.allclose(projected[oxygen, :5, 0], ace.radial(lengths).sum(dim=0))
    assert (projected[oxygen, 5:] == 0).all()  # no carbon, no other oxygen
    features = ace(batch, element_of(batch))
    assert features.shape == (len(batch.positions), ace.num_features)
    assert torch.allclose(features[oxygen, :5].squeeze(), projected[oxygen, :5, 0].squeeze())


def test_left_out_products_leave_the_others_as_they_were(batch: Batch) -> None:
    whole, restricted = ACE(ELEMENTS, **SMALL), ACE(ELEMENTS, **SMALL)
    restricted.restrict(torch.tensor([[3, 1, 1], [4, 0, 1], [4, 1, 0]]))
    assert restricted.num_features < whole.num_features
    every = whole(batch, element_of(batch))
    # each column of the one is a column of the other
    fewer = restricted(batch, element_of(batch))
    for row, degrees in enumerate(restricted.degrees):
        own = element_of(batch) == row
        columns = fewer[own, : len(degrees)].T
        assert all((every[own] - column.unsqueeze(1)).abs().amax(dim=0).min() < 1e-12 for column in columns)
        assert (fewer[own, len(degrees) :] == 0).all()
    assert len(restricted.degrees[2]) < len(restricted.degrees[0]) == restricted.num_features


def test_a_checkpoint_says_which_products_are_left_out(batch: Batch) -> None:
    restricted, loaded = ACE(ELEMENTS, **SMALL), ACE(ELEMENTS, **SMALL)
    restricted.restrict(torch.tensor([[3, 1, 1], [4, 0, 1], [4, 1, 0]]))
    assert loaded.constants != restricted.constants
    loaded.load_state_dict(restricted.state_dict())
    assert loaded.constants == restricted.constants
    assert torch.equal(loaded(batch, element_of(batch)), restricted(batch, element_of(batch)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_degrees": ()}, "one to four numbers, none below zero. Change the argument max_degrees of ACE."),
        ({"max_degrees": (8, 7, 6, 5, 4)}, "one to four numbers"),
        ({"max_degrees": (4, 3)}, "2 numbers as in max_degrees, none below zero. Change the argument max_l of ACE."),
        ({"cutoff": 0.0}, "cutoff is 0.0"),
        ({"cutoff": 0.5}, "cutoff is 0.5, expected a distance above 0.7 Å"),
    ],
)
def test_settings_that_make_no_expansion_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ACE(ELEMENTS, **settings)
