from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.cli.run_arguments import expand
from potbench.errors import PotbenchError, RunError

FORGOTTEN = ["--run_dir=null", "--ckpt_path=null"]


@pytest.fixture
def run(tmp_path: Path) -> str:
    (tmp_path / "config.yaml").write_text("")
    (tmp_path / "record.json").write_text("")
    return str(tmp_path)


@pytest.mark.parametrize(
    "write",
    [
        lambda run: [run, "--trainer.max_epochs", "3"],
        lambda run: ["--trainer.max_epochs", "3", run],
        lambda run: ["--run", run, "--trainer.max_epochs", "3"],
        lambda run: [f"--run={run}", "--trainer.max_epochs", "3"],
    ],
)
@pytest.mark.parametrize("command", ["fit", "test", "validate"])
def test_a_run_stands_for_its_config_and_folder(run: str, command: str, write: Callable[[str], list[str]]) -> None:
    assert expand(command, write(run)) == [
        *(run, "--config", f"{run}/config.yaml", *FORGOTTEN, "--run_dir", run),
        *("--trainer.max_epochs", "3"),
    ]


@pytest.mark.parametrize("flag", [["--config"], ["-c"], ["--config="]])
def test_the_config_of_a_run_does_not_say_where_another_run_is(run: str, flag: list[str]) -> None:
    """Configs of earlier versions hold run_dir and ckpt_path."""
    config = f"{run}/config.yaml"
    given = [f"{flag[0]}{config}"] if flag[0].endswith("=") else [*flag, config]
    assert expand("fit", [*given, "--run_dir", "new"]) == [*given, *FORGOTTEN, "--run_dir", "new"]
    # a config that lies beside no run is the user's own, and may say where the run shall be
    Path(run, "record.json").unlink()
    assert expand("fit", given) == given


def test_without_a_run_arguments_are_as_they_were() -> None:
    arguments = ["--config", "a.yaml", "--data.batch_size=3", "--trainer.max_epochs", "-1", "--print_config"]
    assert expand("fit", arguments) == arguments


@pytest.mark.parametrize("named", ["run", "checkpoint"])
def test_a_parent_lends_its_config(run: str, named: str) -> None:
    checkpoint = Path(run, "checkpoints", "best.ckpt")
    checkpoint.parent.mkdir()
    checkpoint.touch()
    parent = run if named == "run" else str(checkpoint)
    begin = ["--config", f"{run}/config.yaml", *FORGOTTEN, "--from=null", "--freeze=[]", "--from", parent]
    assert expand("fit", ["--from", parent, "--data", "mine"]) == [*begin, "--data", "mine"]
    assert expand("fit", [f"--from={parent}"]) == begin
    # its values are not taken for a run
    assert expand("fit", ["--from", parent, "--freeze", "a", "b"]) == [*begin, "--freeze", "a", "b"]
    own = ["--config", "mine.yaml", "--from", parent]
    assert expand("fit", own) == own


def test_a_run_is_resumed_or_lends_its_weights(run: str) -> None:
    with pytest.raises(PotbenchError, match=f"{run} is a run to resume, and --from starts a new one"):
        expand("fit", [run, "--from", run])
    with pytest.raises(PotbenchError, match="--from starts a training"):
        expand("test", [run, "--from", run])


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"{tmp_path} is no run: it has no config.yaml"):
        expand("test", [str(tmp_path)])
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(RunError, match=f"a.yaml is a file. Expected .* a config: fit --config {tmp_path}/a.yaml"):
        expand("fit", [str(tmp_path / "a.yaml")])
    for arguments in (["--run"], ["--run="], ["--from"], ["--from="]):
        with pytest.raises(PotbenchError, match=f"{arguments[0].strip('=')} has no value"):
            expand("fit", arguments)


@pytest.mark.parametrize(
    ("flag", "key"),
    [
        ("--data", "data"),
        ("--model.potential", "model.init_args.potential"),
        ("--model.init_args.potential", "model.init_args.potential"),
        ("--data.split", "data.init_args.split"),
    ],
)
def test_a_block_that_a_file_replaces_is_emptied_first(flag: str, key: str) -> None:
    emptied = f'--config={{"{key}": null}}'
    assert expand("fit", [flag, "a.yaml"]) == [emptied, flag, "a.yaml"]
    assert expand("fit", [f"{flag}=a.yml"]) == [emptied, f"{flag}=a.yml"]
    assert expand("fit", [flag, "a.b.Class"]) == [flag, "a.b.Class"]
