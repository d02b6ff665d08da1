from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from potbench.errors import CheckpointError, SettingError
from potbench.runs.checkpoint import load_potential, read_checkpoint, sha256
from tests.runs.small_checkpoint import save, small_checkpoint, small_potential


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save(small_checkpoint(), tmp_path / "best.ckpt")


def message(file: Path, read: Callable[[Path], object] = load_potential) -> str:
    with pytest.raises(CheckpointError) as caught:
        read(file)
    return str(caught.value)


def of_potential(change: Callable[[dict[str, Any]], object], file: Path) -> Path:
    """Write a checkpoint whose recipe of the potential is changed."""
    checkpoint = small_checkpoint()
    change(checkpoint["recipe"]["init_args"]["potential"])
    return save(checkpoint, file)


def test_a_potential_is_loaded_with_its_weights_in_evaluation_mode(file: Path) -> None:
    potential = load_potential(file)
    expected = small_potential().state_dict()
    assert potential.elements == ["H", "C", "O"]
    assert not potential.training
    assert potential.state_dict().keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in potential.state_dict().items())


def test_a_potential_trained_in_double_precision_is_loaded_in_it(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    weights = checkpoint["state_dict"]
    double = {name: value.double() + 1e-12 if value.is_floating_point() else value for name, value in weights.items()}
    potential = load_potential(save({**checkpoint, "state_dict": double}, tmp_path / "double.ckpt"))
    for name, weight in potential.named_parameters():
        assert weight.dtype == torch.float64
        assert torch.equal(weight, double[f"potential.{name}"])
    assert all(buffer.dtype != torch.float32 for buffer in potential.buffers())
    single = load_potential(save(checkpoint, tmp_path / "single.ckpt"))
    assert {weight.dtype for weight in single.parameters()} == {torch.float32}


def test_a_checkpoint_says_how_far_training_had_come_and_of_which_elements(file: Path) -> None:
    content = read_checkpoint(file)
    assert (content.steps_done, content.epoch, content.elements) == (7, 2, ["H", "C", "O"])


def test_a_checkpoint_is_known_by_its_bytes(file: Path, tmp_path: Path) -> None:
    (tmp_path / "copy.ckpt").write_bytes(file.read_bytes())
    assert sha256(tmp_path / "copy.ckpt") == sha256(file)
    (tmp_path / "copy.ckpt").write_bytes(b"another")
    assert sha256(tmp_path / "copy.ckpt") != sha256(file)


def test_nothing_but_the_potential_is_built(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    checkpoint["recipe"]["class_path"] = "potbench.training.Gone"
    checkpoint["recipe"]["init_args"]["optimizer"]["class_path"] = "torch.optim.Gone"
    checkpoint["state_dict"]["loss.weight"] = torch.ones(3)
    load_potential(save(checkpoint, tmp_path / "best.ckpt"))


@pytest.mark.parametrize("planted", ["os.system", "mine.Adam", "torch.optim.lr_scheduler.warnings.warn"])
def test_a_checkpoint_that_names_what_is_not_allowed_is_refused_wherever_it_does(tmp_path: Path, planted: str) -> None:
    checkpoint = small_checkpoint()
    checkpoint["recipe"]["init_args"]["optimizer"]["class_path"] = planted
    with pytest.raises(SettingError, match=f"names {planted}, .*; nothing of it was run"):
        load_potential(save(checkpoint, tmp_path / "best.ckpt"))


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    assert message(tmp_path / "best.ckpt").startswith(f"{tmp_path / 'best.ckpt'} does not exist. Expected a checkpoint")


class Malicious:
    """Executes a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("read", [load_potential, read_checkpoint])
@pytest.mark.parametrize(
    "content",
    [
        *([], [1, 2], 3, "text", torch.ones(3), {}),
        *({"state_dict": {}}, small_checkpoint() | {"recipe": 3}, small_checkpoint() | {"recipe": {}}),
        *(small_checkpoint() | {"state_dict": 3}, small_checkpoint() | {"global_step": "x"}),
        small_checkpoint() | {"epoch": None},
    ],
)
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
def test_what_another_program_saved_is_refused(tmp_path: Path, content: object, read: Callable[[Path], object]) -> None:
    file = save(content, tmp_path / "best.ckpt")
    assert message(file, read) == (
        f"{file} cannot be read as a checkpoint: it is damaged, incomplete, or of another program. "
        "Expected a checkpoint that `python -m potbench fit` wrote. Choose another checkpoint."
    )


@pytest.mark.parametrize("content", [b"", b"text\n", b"PK\x03\x04", b"\x80\x02}."])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "best.ckpt").write_bytes(content)
    assert "cannot be read as a checkpoint" in message(tmp_path / "best.ckpt")


def test_every_truncated_checkpoint_is_refused(file: Path) -> None:
    content = file.read_bytes()
    for length in range(0, len(content), len(content) // 40):
        file.write_bytes(content[:length])
        for read in (load_potential, read_checkpoint):
            assert "cannot be read as a checkpoint" in message(file, read)


def test_weights_that_a_disk_changed_are_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    weights = small_potential().state_dict()["readout.network.networks.C.0.weight"].numpy().tobytes()
    content[content.index(weights) + 5] ^= 1
    file.write_bytes(content)
    assert "cannot be read as a checkpoint" in message(file)


@pytest.mark.parametrize("archive", [True, False])
def test_nothing_in_a_checkpoint_is_executed_nor_is_that_advised(tmp_path: Path, archive: bool) -> None:
    malicious, file = Malicious(tmp_path / "executed"), tmp_path / "best.ckpt"
    if archive:
        save(small_checkpoint() | {"extra": malicious}, file)
    else:
        file.write_bytes(pickle.dumps(malicious))
    assert "weights_only" not in message(file)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda potential: potential["init_args"]["representation"].update(
                class_path="potbench.representations.AEVV"
            ),
            "there is no class potbench.representations.AEVV. Did you mean AEV?",
        ),
        (
            lambda potential: potential.update(class_path="potbench.potentials.AtomicPotental"),
            "there is no class potbench.potentials.AtomicPotental. Did you mean AtomicPotential?",
        ),
        (
            lambda potential: potential.update(class_path="potbench.potentials.gone.Potential"),
            "there is no class potbench.potentials.gone.Potential.",
        ),
        (lambda potential: potential.update(class_path="Potential"), "there is no class Potential."),
        (
            lambda potential: potential.update(class_path="torch.nn.Linear"),
            "Import path torch.nn.Linear does not correspond to a subclass of Potential.",
        ),
        (
            lambda potential: potential["init_args"]["representation"]["init_args"].update(shifts=3),
            "Option 'shifts' is not accepted.",
        ),
        (lambda potential: potential["init_args"].update(elements=["Qq"]), "elements is ['Qq']."),
        (lambda potential: potential.pop("class_path"), "Not a valid subclass of Potential."),
    ],
)
def test_a_recipe_that_this_version_does_not_know_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    file = of_potential(change, tmp_path / "best.ckpt")
    assert message(file) == (
        f"The potential of {file} cannot be built: {problem} Expected classes and arguments that this version of "
        "potbench knows. Use the version that trained it, which the record of its run names, or train again."
    )


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    file = of_potential(
        lambda potential: potential["init_args"]["readout"]["init_args"].update(hidden_sizes=[9]), tmp_path / "a.ckpt"
    )
    assert message(file).startswith(f"The weights in {file} do not fit the AtomicPotential that its recipe builds.")


def test_weights_that_are_missing_are_refused(tmp_path: Path) -> None:
    checkpoint = small_checkpoint()
    del checkpoint["state_dict"]["potential.offset"]
    assert "do not fit" in message(save(checkpoint, tmp_path / "best.ckpt"))
