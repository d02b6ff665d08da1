from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from potbench.potentials import Potential

POTENTIALS = Path(__file__).parents[2] / "configs" / "potential"


@pytest.mark.parametrize(
    ("name", "num_weights"),
    [
        ("ani_feed_forward", 197_636),
        ("ani_feed_forward_wide", 308_804),
        ("ani_feed_forward_two_layers", 230_404),
        ("ani_feed_forward_deep", 977_828),
        ("ani_feed_forward_shared", 49_409),
        ("ani_1x", 326_660),
        ("ani_residual", 1_339_028),
        ("ani_attention", 990_724),
        ("ani_attention_unlimited", 990_724),
        ("composition", 4),
        ("coordinates", 1_160),
        ("pairwise", 320),
        ("schnet", 432_769),
        ("painn", 589_057),
        ("continuous_filter", 68_225),
        ("continuous_filter_rms_norm", 68_833),
        ("continuous_filter_study_small", 13_345),
        ("continuous_filter_study", 116_225),
        ("continuous_filter_study_large", 874_817),
    ],
)
def test_a_potential_has_as_many_weights_as_its_config_says(name, num_weights):
    text = (POTENTIALS / f"{name}.yaml").read_text()
    block = yaml.safe_load(text)
    block.setdefault("init_args", {})["elements"] = ["H", "C", "N", "O"]
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(Potential, "potential")
    potential = parser.instantiate(parser.parse_object({"potential": block})).potential
    assert potential.num_parameters == num_weights
    assert f"; {num_weights:,} weights" in text.splitlines()[0]
