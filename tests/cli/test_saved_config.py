from pathlib import Path

import pytest
import yaml
from jsonargparse import ArgumentParser

from potbench.cli.saved_config import differences

SAVED = {"trainer": {"precision": 32, "max_epochs": 2}, "model": {"size": 3, "loss": {"forces": 1.0}}}


@pytest.fixture
def parser() -> ArgumentParser:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_argument("--trainer.precision", type=int | str | None)
    parser.add_argument("--trainer.max_epochs", type=int)
    parser.add_argument("--model.size", type=int, default=3)
    parser.add_argument("--model.loss", type=dict | None)
    parser.add_argument("--model.new", type=str, default="as before")
    return parser


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"trainer": {"precision": "16-true", "max_epochs": 2}}, 'trainer.precision: "16-true"'),
        ({"trainer": {"precision": 32, "max_epochs": 9}}, ""),  # not asked for
        (
            {"model": {"size": 4, "loss": {"forces": 2.0}, "new": "x"}},
            'model.size: 4, model.loss.forces: 2.0, model.new: "x"',
        ),
        ({"model": {"size": 3, "loss": None, "new": "as before"}}, "model.loss: null"),
    ],
)
def test_settings_that_differ_are_named_with_their_values(
    parser: ArgumentParser, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(SAVED))
    given = {**SAVED, "model": {**SAVED["model"], "new": "as before"}, **change}
    found = differences(parser, tmp_path / "config.yaml", yaml.safe_dump(given), ("model", "trainer.precision"))
    assert found == said
