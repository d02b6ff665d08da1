import json
import logging
import warnings

import pytest
import torch

from potbench.cli.main import main
from potbench.datasets import Sample
from potbench.loading import AtomsDataModule
from potbench.speed.potbench_fit import PotbenchFit
from potbench.speed.torchani_loop import TorchANILoop
from potbench.speed.train import energy_ways, first_potential, force_ways
from potbench.speed.ways import compare

WORDS = ["speed", "train", "--batch-size", "16", "--steps", "3", "--force-steps", "2", "--rounds", "1"]
MESSAGES = ["--message-steps", "2", "--message-batch-size", "4", "--message-features", "16"]


@pytest.fixture(autouse=True)
def _process_left_as_it_was(monkeypatch):
    # the command silences Lightning and sets the memory of its process, which is that of the tests here
    monkeypatch.setattr("potbench.training.memory.keep_freed_memory", lambda: True)
    level = logging.getLogger("lightning.pytorch").level
    yield
    logging.getLogger("lightning.pytorch").setLevel(level)


@pytest.fixture
def data():
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    data = AtomsDataModule(Sample(), batch_size=16)
    data.prepare_data()
    data.setup("fit")
    return data


def test_every_way_is_printed_and_kept_with_equal_losses(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert main([*WORDS, *MESSAGES, "--json", str(file)]) == 0
    kept = json.loads(file.read_text())
    printed = capsys.readouterr().out
    assert [way["name"] for way in kept["energy"]] == [
        "TorchANI's own loop",
        "potbench",
        "potbench, cached features",
    ]
    assert [way["name"] for way in kept["energy_and_forces"]] == [
        "TorchANI's own loop",
        "potbench",
        "potbench, cached derivatives",
    ]
    for network in ("schnet", "painn"):
        assert [way["name"] for way in kept[network]] == [
            "SchNetPack's own loop",
            "SchNetPack's network alone",
            "potbench",
        ]
    for name, num_steps in [("energy", 3), ("energy_and_forces", 2), ("schnet", 2), ("painn", 2)]:
        theirs = kept[name][0]
        assert len(theirs["losses"]) == num_steps
        assert theirs["ratio"]["median"] == 1
        for way in kept[name]:
            assert way["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
            assert f"{way['frames_per_second']['median']:,.0f}" in printed
    assert "freed memory is kept" in printed
    assert kept["message_passing"] == {"batch_size": 4, "num_features": 16}
    assert kept["machine"]["threads"] == torch.get_num_threads()


def test_memory_can_be_left_to_the_system_and_forces_out(tmp_path, capsys):
    file = tmp_path / "speed.json"
    without = ["--force-steps", "0", "--message-steps", "0"]
    assert main([*WORDS, *without, "--return-memory", "--json", str(file)]) == 0
    kept = json.loads(file.read_text())
    assert not kept["freed_memory_kept"]
    assert not {"energy_and_forces", "schnet", "painn"} & set(kept)
    assert "freed memory is returned to the system" in capsys.readouterr().out


@pytest.mark.parametrize("ways", [energy_ways, force_ways])
def test_losses_agree_over_more_than_one_epoch(ways, data):
    data.batch_size = 600
    potential = first_potential(data)
    batches_per_epoch = len(data.train_dataloader())
    compared = compare(ways(potential, data, batches_per_epoch + 1), num_rounds=1)
    assert len({way.name for way in compared}) == len(compared)
    for way in compared:
        assert len(way.losses) == batches_per_epoch + 1
        assert way.losses == pytest.approx(compared[0].losses, rel=1e-4)


def test_other_weights_are_noticed(data):
    potential, other = first_potential(data), first_potential(data)
    with torch.no_grad():
        next(other.parameters()).add_(0.01)
    batches = [next(iter(data.train_dataloader()))]
    ways = [TorchANILoop(potential, batches, forces=True), PotbenchFit("potbench", other, data, 1, forces=True)]
    with pytest.raises(ValueError, match="expected the same up to rounding"):
        compare(ways, num_rounds=1)


def test_other_batches_are_noticed(data):
    potential = first_potential(data)
    first = next(iter(data.train_dataloader()))
    fewer = first.select(list(range(1, len(first.energy))))
    ways = [TorchANILoop(potential, [fewer], forces=False), PotbenchFit("potbench", potential, data, 1)]
    with pytest.raises(ValueError, match="expected the same up to rounding"):
        compare(ways, num_rounds=1)


def test_every_turn_starts_from_the_same_weights(data):
    potential = first_potential(data)
    for way in energy_ways(potential, data, 2):
        assert way.train().losses == pytest.approx(way.train().losses, rel=1e-6)
