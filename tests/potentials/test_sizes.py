from functools import partial
from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from potbench.potentials import AtomicPotential, Potential
from potbench.readouts import FeedForward
from potbench.representations import AEV, ContinuousFilter
from tests.rivals import skip_without_package

POTENTIALS = Path(__file__).parents[2] / "configs" / "potential"
ELEMENTS = ["H", "C", "N", "O"]


@pytest.mark.parametrize(
    ("name", "num_weights"),
    [
        ("ani_feed_forward", 197_636),
        ("ani_1x", 326_660),
        ("ani_residual", 1_339_028),
        ("ani_attention", 990_724),
        ("ani_attention_unlimited", 990_724),
        ("composition", 4),
        ("coordinates", 1_160),
        ("pairwise", 320),
        ("schnet", 432_769),
        ("painn", 589_057),
        ("mace", 102_320),
        ("graph_pes", 200_312),
        ("nequip", 224_416),
        ("equivariant_filter", 273_601),
        ("equivariant_filter_large", 378_113),
        ("continuous_filter", 68_225),
        ("continuous_filter_rms_norm", 68_833),
        ("continuous_filter_wide", 234_689),
        ("continuous_filter_study", 116_225),
    ],
)
def test_a_potential_has_as_many_weights_as_its_config_says(name, num_weights):
    config = POTENTIALS / f"{name}.yaml"
    skip_without_package(config)
    text = config.read_text()
    settings = yaml.safe_load(text)
    settings.setdefault("init_args", {})["elements"] = ELEMENTS
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Potential, "potential")
    potential = parser.instantiate(parser.parse_object({"potential": settings})).potential
    assert potential.num_parameters == num_weights
    assert f"; {num_weights:,} weights" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("hidden_sizes", "per_element", "num_weights"),
    [
        ([200], True, 308_804),
        ([128, 64], True, 230_404),
        ([300, 300, 128], True, 977_828),
        ([128], False, 49_409),
    ],
    ids=str,
)
def test_ani_networks_of_other_sizes_have_this_many_weights(hidden_sizes, per_element, num_weights):
    readout = partial(FeedForward, hidden_sizes=hidden_sizes, per_element=per_element)
    assert AtomicPotential(ELEMENTS, AEV, readout).num_parameters == num_weights


@pytest.mark.parametrize(
    ("num_features", "num_interactions", "basis_end", "num_weights"), [(32, 1, 15.0, 13_345), (128, 6, 60.0, 874_817)]
)
def test_continuous_filters_of_other_sizes_have_this_many_weights(
    num_features, num_interactions, basis_end, num_weights
):
    representation = partial(
        ContinuousFilter,
        num_features=num_features,
        num_interactions=num_interactions,
        cutoff=None,
        basis_end=basis_end,
    )
    readout = partial(FeedForward, hidden_sizes=[32], per_element=False)
    assert AtomicPotential(ELEMENTS, representation, readout).num_parameters == num_weights
