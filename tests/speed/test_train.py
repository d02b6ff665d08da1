import json
import logging

import pytest

from potbench.speed.train import measure

SIZES = {
    "num_steps": 3,
    "num_force_steps": 2,
    "num_message_steps": 2,
    "num_rounds": 1,
    "message_batch_size": 4,
    "message_sizes": {"num_features": 16},
}


@pytest.fixture(autouse=True)
def _process_left_as_it_was(monkeypatch):
    # measuring silences Lightning and sets the memory of its process, which is that of the tests here
    monkeypatch.setattr("potbench.speed.train.keep_freed_memory", lambda: True)
    level = logging.getLogger("lightning.pytorch").level
    yield
    logging.getLogger("lightning.pytorch").setLevel(level)


@pytest.mark.slow
def test_every_way_is_printed_and_saved_with_equal_losses(sample, tmp_path, capsys):
    report = measure(sample(16), **SIZES)
    report.show()
    printed = capsys.readouterr().out
    report.save(tmp_path / "speed.json")
    saved = json.loads((tmp_path / "speed.json").read_text())
    assert [way["name"] for way in saved["energy"]] == [
        "TorchANI's own loop",
        "potbench",
        "potbench, cached features",
    ]
    assert [way["name"] for way in saved["energy_and_forces"]] == [
        "TorchANI's own loop",
        "potbench",
        "potbench, cached derivatives",
    ]
    for network in ("schnet", "painn"):
        assert [way["name"] for way in saved[network]] == [
            "SchNetPack's own loop",
            "SchNetPack's network alone",
            "potbench",
        ]
    for name, num_steps in [("energy", 3), ("energy_and_forces", 2), ("schnet", 2), ("painn", 2)]:
        theirs = saved[name][0]
        assert len(theirs["losses"]) == num_steps
        assert theirs["ratio"]["median"] == 1
        for way in saved[name]:
            assert way["losses"] == pytest.approx(theirs["losses"], rel=1e-4)
            assert f"{way['frames_per_second']['median']:,.0f}" in printed
    assert "freed memory is kept" in printed
    assert saved["message_passing"] == {"batch_size": 4, "num_features": 16}
    assert saved["data"].endswith("batches of up to 16")


def test_memory_can_be_left_to_the_system_and_forces_out(sample, tmp_path, capsys):
    report = measure(sample(16), **{**SIZES, "num_force_steps": 0, "num_message_steps": 0}, return_memory=True)
    report.show()
    report.save(tmp_path / "speed.json")
    saved = json.loads((tmp_path / "speed.json").read_text())
    assert saved["freed_memory_kept"] is False
    assert not {"energy_and_forces", "schnet", "painn"} & set(saved)
    printed = capsys.readouterr().out
    assert "freed memory is returned to the system" in printed
    said = "Left out, as their steps are 0 or the data have no forces: ANI on energies and forces, SchNet on"
    assert said in " ".join(printed.split())
