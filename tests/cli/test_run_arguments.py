from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.cli.run_arguments import expand
from potbench.errors import PotbenchError, RunError


@pytest.fixture
def run(tmp_path: Path) -> str:
    (tmp_path / "config.yaml").write_text("")
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
        *(run, "--config", f"{run}/config.yaml", "--run_dir", run),
        *("--trainer.max_epochs", "3"),
    ]


def test_another_checkpoint_may_be_named(run: str) -> None:
    for named in (["--ckpt_path", "last"], ["--ckpt_path=last"]):
        assert expand("test", [run, *named])[-2 - len(named) :] == ["--run_dir", run, *named]


def test_without_a_run_arguments_are_as_they_were() -> None:
    arguments = ["--config", "a.yaml", "--data.batch_size=3", "--trainer.max_epochs", "-1", "--print_config"]
    assert expand("fit", arguments) == arguments


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"{tmp_path} is no run: it has no config.yaml"):
        expand("test", [str(tmp_path)])
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(RunError, match=f"a.yaml is a file. Expected .* a config: fit --config {tmp_path}/a.yaml"):
        expand("fit", [str(tmp_path / "a.yaml")])
    for arguments in (["--run"], ["--run="]):
        with pytest.raises(PotbenchError, match="--run has no value"):
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
