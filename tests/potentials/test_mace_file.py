"""Files of MACE's package, once they are trusted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from potbench.errors import CheckpointError
from potbench.potentials import MACE
from potbench.potentials.mace_file import read_by_running
from tests.native_files.mace_model import OFF, mace_model, write_mace
from tests.rivals import skip_without_package


@pytest.fixture(autouse=True)
def _needs_mace() -> None:
    skip_without_package(Path("mace"))


def test_a_file_gives_the_arguments_that_build_its_potential_again_and_its_precision(tmp_path: Path) -> None:
    potential, arguments = read_by_running(write_mace(tmp_path / "a.model", mace_model(**OFF)))
    assert arguments["elements"] == ["H", "C", "N", "O", "F"]
    again = MACE(**arguments)
    again.load_state_dict(potential.state_dict())
    assert {weight.dtype for weight in potential.parameters()} == {torch.float32}
    assert again.num_parameters == potential.num_parameters


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (lambda: torch.nn.Linear(2, 2), r"holds torch\.nn\.modules\.linear\.Linear\. Expected MACE or ScaleShiftMACE"),
        (lambda: [1, 2], r"holds builtins\.list\."),
        (
            lambda: mace_model(**OFF, heads=["pt_head", "mine"]),
            r"MACE of 2 heads: pt_head, mine\. Expected one\. Extract one",
        ),
        (
            lambda: mace_model(**OFF, interaction_cls="RealAgnosticAttResidualInteractionBlock"),
            "exchanged by RealAgnosticAttResidualInteractionBlock",
        ),
        (lambda: mace_model(**OFF, gate=torch.tanh), "computes something else than its settings say, by"),
        (lambda: mace_model(**OFF, radial_type="gaussian"), "of a shape that potbench does not know"),
    ],
    ids=["layer", "list", "heads", "attention", "other activation", "Gaussians"],
)
def test_what_is_no_mace_of_a_known_shape_is_refused(model, said: str, tmp_path: Path) -> None:
    content = write_mace(tmp_path / "a.model", model())
    with pytest.raises(CheckpointError, match=said):
        read_by_running(content)


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"The file cannot be read \(.*Expected MACE or ScaleShiftMACE"):
        read_by_running(b"not a pickle")
