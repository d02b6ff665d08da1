import pytest

from potbench.limits import POTENTIAL, READOUT, REPRESENTATION, require_positive, require_probability
from potbench.potentials import AtomicPotential, Pairwise
from potbench.readouts import Attention, FeedForward, Residual
from potbench.representations import AEV, ContinuousFilter, Hybrid, PaiNN, SchNet

ELEMENTS = ["H", "C"]


@pytest.mark.parametrize("value", [0, -1, -0.5, float("nan")])
def test_a_size_that_is_not_above_zero_is_refused_with_its_key(value):
    expected = rf"^width is {value}, expected more than 0. Change {READOUT}.width.$"
    with pytest.raises(ValueError, match=expected):
        require_positive(READOUT, width=value)
    with pytest.raises(ValueError, match=rf"Change {POTENTIAL}.width\.$"):
        require_positive(POTENTIAL, width=value)


@pytest.mark.parametrize("value", [-0.1, 1, 1.5, float("nan")])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(
        ValueError, match=f"dropout is {value}, expected at least 0 and less than 1. Change {READOUT}.dropout"
    ):
        require_probability(READOUT, dropout=value)


def test_a_setting_left_out_has_no_limit():
    require_positive(READOUT, cutoff=None, width=1, scale=1e-9)
    require_probability(READOUT, dropout=0)


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
        (AEV, {"angular_cutoff": 6.0}),
    ],
)
def test_a_representation_that_cannot_work_is_refused(representation, settings):
    with pytest.raises(ValueError, match=f"Change {REPRESENTATION}."):
        representation(ELEMENTS, **settings)


@pytest.mark.parametrize(
    ("readout", "settings"),
    [
        (FeedForward, {"hidden_sizes": [8, 0]}),
        (FeedForward, {"hidden_sizes": {"H": [8], "C": [-1]}}),
        (FeedForward, {"hidden_sizes": [8], "dropout": 1.5}),
        (Residual, {"num_layers": 0}),
        (Residual, {"dropout": -1}),
        *[(Attention, {name: 0}) for name in ("width", "num_heads", "hidden_width", "cutoff")],
    ],
)
def test_a_readout_that_cannot_work_is_refused(readout, settings):
    with pytest.raises(ValueError, match=f"Change {READOUT}."):
        readout(ELEMENTS, 5, **settings)


def test_a_potential_that_cannot_work_is_refused():
    for settings in ({"cutoff": 0}, {"num_functions": 1}, {"scale": 0.0}):
        (name,) = settings
        with pytest.raises(ValueError, match=rf"{name} is .* Change {POTENTIAL}.{name}\.$"):
            Pairwise(ELEMENTS, **settings)
    with pytest.raises(ValueError, match=r"scale is -1\.0"):
        AtomicPotential(ELEMENTS, AEV, lambda elements, width: FeedForward(elements, width, [4]), scale=-1.0)
