import json

import pytest

from potbench.cli.main import main

WORDS = ["speed", "data", "--frames", "3000", "--batches", "12", "--batch-size", "64", "--passes", "2"]


def test_what_is_printed_is_what_is_kept(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert main([*WORDS, "--json", str(file)]) == 0
    kept = json.loads(file.read_text())
    printed = capsys.readouterr().out
    assert kept["data"] in printed
    assert f"{kept['frames_per_second']['median']:,.0f}" in printed
    large = kept["large_store"]
    assert large["frames"] == 3000
    assert large["in_page_cache"]
    assert 0 < large["open_seconds"] < 10
    assert large["frames_per_second"] > 0
    assert f"{large['growth_mib']['VmRSS']:.0f} MiB" in printed
    assert kept["versions"]["torch"] in printed


def test_the_simulated_store_can_be_left_out(tmp_path, capsys):
    file = tmp_path / "speed.json"
    assert main(["speed", "data", "--frames", "0", "--passes", "1", "--json", str(file)]) == 0
    assert "large_store" not in json.loads(file.read_text())
    assert "Time to open" not in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--batch-size", "--passes", "--batches"])
def test_a_number_too_small_is_refused(option, capsys):
    with pytest.raises(SystemExit):
        main(["speed", "data", option, "0"])
    assert "0 is too small, expected at least 1" in capsys.readouterr().err
