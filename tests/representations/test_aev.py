import re

import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.representations import AEV


def hydrogen(distance, number=1):
    return Batch.from_arrays(
        np.array([1, number]), np.array([[0.0, 0, 0], [distance, 0, 0]]), np.array([2]), np.zeros(1)
    )


def features_of_first(representation, batch, other=0):
    return representation(batch, torch.tensor([0, other]))[0]


def test_four_elements_have_384_features():
    representation = AEV(["H", "C", "N", "O"])
    assert representation.num_features == 384
    assert representation(hydrogen(0.74), torch.tensor([0, 0])).shape == (2, 384)


@pytest.mark.parametrize(("elements", "num_features"), [(["H"], 48), (["H", "O"], 128), (["C", "H", "O"], 240)])
def test_number_of_features_follows_from_the_elements(elements, num_features):
    assert AEV(elements).num_features == num_features


def test_radial_shifts_are_those_of_ani_1x():
    shifts = AEV(["H"]).computer.radial.shifts
    torch.testing.assert_close(shifts, torch.linspace(0.9, 4.93125, 16))
    torch.testing.assert_close(shifts.diff(), torch.full((15,), 0.26875))


def test_the_radial_part_of_a_pair_is_the_formula():
    """Gᴿₘ = exp(−16 (R − Rₘ)²) · (1 + cos(π R / 5.2)) / 2, of which ANI-1x takes a quarter."""
    distance = 1.3
    shifts = torch.linspace(0.9, 4.93125, 16)
    cutoff = 0.5 * np.cos(np.pi * distance / 5.2) + 0.5
    expected = 0.25 * torch.exp(-16 * (distance - shifts) ** 2) * cutoff
    torch.testing.assert_close(features_of_first(AEV(["H"]), hydrogen(distance))[:16], expected)


def test_neighbors_of_another_element_have_features_of_their_own():
    representation = AEV(["H", "O"])
    same = features_of_first(representation, hydrogen(1.0))
    other = features_of_first(representation, hydrogen(1.0, number=8), other=1)
    assert same[:16].any()
    assert not same[16:].any()
    torch.testing.assert_close(other[16:32], same[:16])


@pytest.mark.parametrize(("distance", "interact"), [(5.19, True), (5.21, False)])
def test_atoms_beyond_the_cutoff_do_not_interact(distance, interact):
    representation = AEV(["H"])
    assert representation.cutoff == 5.2
    assert features_of_first(representation, hydrogen(distance)).any().item() is interact


def test_a_single_atom_has_no_surroundings():
    atom = Batch.from_arrays(np.array([1]), np.zeros((1, 3)), np.array([1]), np.zeros(1))
    features = AEV(["H"])(atom, torch.tensor([0]))
    assert features.shape == (1, 48)
    assert not features.any()


def test_nothing_is_learned():
    assert list(AEV(["H"]).parameters()) == []


def test_constants_tell_apart_what_gives_different_features():
    constants = AEV(["H", "C"]).constants
    assert constants == AEV(["H", "C"]).constants
    assert constants != AEV(["C", "H"]).constants
    assert constants != AEV(["H", "C"], radial_eta=19.7).constants
    assert constants["radial_cutoff"] == 5.2
    assert "self" not in constants


def test_cutoffs_in_the_wrong_order_are_refused():
    message = (
        "The AEV has start 0.9, angular_cutoff 6.0 and radial_cutoff 5.2. "
        "Expected start < angular_cutoff < radial_cutoff. Change the argument angular_cutoff of AEV."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AEV(["H"], angular_cutoff=6.0)
