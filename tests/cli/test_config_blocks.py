from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from potbench.cli.config_blocks import with_blocks_below
from tests.cli.test_configs import CONFIGS, expanded


def config_in(folder: Path, **settings: object) -> dict:
    """What a config says whose paths are relative to its folder."""
    blocks = os.path.relpath(CONFIGS, folder)
    file = folder / f"{len(settings)}.yaml"  # what was read is remembered by its name
    whole = {
        "data": f"{blocks}/data/rmd17.yaml",
        "config": f"{blocks}/training/muon.yaml",
        "model.init_args.potential": f"{blocks}/potential/painn.yaml",
    }
    file.write_text(yaml.safe_dump({**whole, **settings}, sort_keys=False))
    return expanded("--config", str(file))


def test_dotted_keys_change_single_values_of_the_blocks_that_a_config_names(tmp_path):
    plain = config_in(tmp_path)
    changed = config_in(
        tmp_path,
        **{
            "data.init_args.batch_size": 4,
            "data.init_args.dataset.init_args.molecule": "aspirin",
            "model.init_args.potential.init_args.representation.init_args.num_features": 32,
            "model.init_args.optimizer.init_args.lr": 0.5,
        },
    )
    plain["data"]["init_args"]["batch_size"] = 4
    plain["data"]["init_args"]["dataset"]["init_args"]["molecule"] = "aspirin"
    plain["model"]["init_args"]["potential"]["init_args"]["representation"]["init_args"]["num_features"] = 32
    plain["model"]["init_args"]["optimizer"]["init_args"]["lr"] = 0.5
    assert changed == plain


def test_a_block_within_a_block_is_changed_too(tmp_path):
    (tmp_path / "readout.yaml").write_text(
        "class_path: potbench.readouts.FeedForward\ninit_args: {hidden_sizes: [7, 5], per_element: false}\n"
    )
    readout = "model.init_args.potential.init_args.readout"
    changed = config_in(tmp_path, **{readout: "readout.yaml", f"{readout}.init_args.dropout": 0.25})
    found = changed["model"]["init_args"]["potential"]["init_args"]["readout"]["init_args"]
    assert (found["hidden_sizes"], found["dropout"]) == ([7, 5], 0.25)


@pytest.mark.parametrize(
    "content",
    ["data: a.yaml\nconfig: b.yaml\n", "trainer.max_epochs: 4\n", "- a\n", "text", "", "data: [\n", "1: a\n1.5: b\n"],
)
def test_other_configs_stay_as_they_are(content):
    assert with_blocks_below(content) == content
