import copy
import pickle

import pytest
import torch

from potbench.errors import SettingError
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV, ContinuousFilter, Hybrid, PaiNN, SchNet

ELEMENTS = ["H", "C"]


@pytest.mark.parametrize(
    ("representation", "settings"),
    [
        *[
            (representation, {name: 0})
            for representation in (SchNet, PaiNN, Hybrid, ContinuousFilter)
            for name in ("num_channels" if representation is Hybrid else "num_features", "num_interactions", "cutoff")
        ],
        *[(representation, {"num_functions": 0}) for representation in (SchNet, PaiNN, Hybrid)],
        *[(ContinuousFilter, {name: 0}) for name in ("basis_end", "basis_spacing", "gamma")],
        (ContinuousFilter, {"basis_spacing": 6.0}),
        *[(AEV, {name: 0}) for name in ("radial_shifts", "angular_shifts", "angular_sections", "radial_eta", "start")],
        *[(AEV, {name: 0}) for name in ("angular_eta", "angular_zeta")],
        (AEV, {"angular_cutoff": 6.0}),
    ],
)
def test_a_representation_that_cannot_work_is_refused(representation, settings):
    ((name, value),) = settings.items()
    with pytest.raises(SettingError, match=rf"Change the argument {name} of {representation.__name__}\.$") as refusal:
        representation(ELEMENTS, **settings)
    assert (refusal.value.owner, refusal.value.setting, refusal.value.value) == (representation, name, value)


def small_potential(representation, seed):
    torch.manual_seed(seed)
    size = {"num_channels" if representation is Hybrid else "num_features": 8}
    return AtomicPotential(
        ELEMENTS, lambda elements: representation(elements, **size), lambda *sizes: FeedForward(*sizes, [4])
    )


@pytest.fixture(params=[ContinuousFilter, Hybrid])
def representation(request):
    return request.param


@pytest.fixture
def earlier(representation):
    """Weights as earlier versions saved them, which called interactions blocks."""
    weights = small_potential(representation, seed=1).state_dict()
    assert any("interactions.1." in name for name in weights)
    return {name.replace("interactions.", "blocks."): array for name, array in weights.items()}


@pytest.mark.parametrize("duplicate", [lambda each: each, copy.deepcopy], ids=["itself", "copy"])
def test_weights_of_earlier_versions_load_into_a_potential(representation, earlier, duplicate):
    potential = duplicate(small_potential(representation, seed=0))
    before = dict(earlier)
    potential.load_state_dict(earlier, strict=True)
    loaded, expected = potential.state_dict(), small_potential(representation, seed=1).state_dict()
    assert list(loaded) == list(expected)
    assert all(torch.equal(array, expected[name]) for name, array in loaded.items())
    assert earlier == before


def test_weights_of_earlier_versions_load_into_a_representation(representation, earlier):
    potential = small_potential(representation, seed=0)
    prefix = "representation."
    weights = {name.removeprefix(prefix): array for name, array in earlier.items() if name.startswith(prefix)}
    potential.representation.load_state_dict(weights, strict=True)
    assert all(
        torch.equal(potential.state_dict()[name], earlier[name.replace("interactions.", "blocks.")])
        for name in potential.state_dict()
        if name.startswith(prefix)
    )


def test_weights_that_are_missing_or_unknown_are_refused_by_their_names(representation, earlier):
    earlier["representation.blocks.9.weight"] = torch.zeros(1)
    missing = next(name for name in earlier if "blocks.0." in name)
    del earlier[missing]
    with pytest.raises(RuntimeError) as refusal:
        small_potential(representation, seed=0).load_state_dict(earlier, strict=True)
    assert missing.replace("blocks.", "interactions.") in str(refusal.value)
    assert "representation.interactions.9.weight" in str(refusal.value)


def test_a_representation_can_be_sent_to_another_process(representation):
    potential = small_potential(representation, seed=0)
    restored = pickle.loads(pickle.dumps(potential))
    assert all(torch.equal(array, restored.state_dict()[name]) for name, array in potential.state_dict().items())
