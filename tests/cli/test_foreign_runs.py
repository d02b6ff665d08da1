"""Runs of other people: no command but `fit --config` runs what they name."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from ase.build import molecule
from ase.io import write
from lightning.pytorch import Callback

from potbench.cli.main import main
from tests.cli.conftest import finish, start

STRANGER = "stranger_of_commands"
Change = Callable[[dict[str, Any], Path], None]


@pytest.fixture
def foreign(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run in the current folder, beside a module that can be imported and leaves `executed` there."""
    shutil.copytree(finished_run, tmp_path / "run")
    text = f"open({str(tmp_path / 'executed')!r}, 'w').close()\nclass Net: pass\n"
    (tmp_path / f"{STRANGER}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    write("water.xyz", molecule("H2O"))
    return Path("run")


def arguments(command: str, run: Path) -> list[str]:
    """A command on a run."""
    return {
        "predict": ["predict", str(run), "--input", "water.xyz", "--output", "out.xyz"],
        "from": ["fit", "--from", str(run), "--run_dir", "new"],
        "own": ["fit", "--config", "own.yaml", "--from", str(run), "--run_dir", "new"],
    }.get(command, [command, str(run)])


def calls(tmp_path: Path) -> dict[str, object]:
    """What would run a command of the shell."""
    return {"class_path": "os.system", "init_args": {"command": f"touch {tmp_path / 'executed'}"}}


def change_checkpoints(run: Path, change: Change) -> None:
    for name in ("best", "last"):
        file = run / "checkpoints" / f"{name}.ckpt"
        content = torch.load(file, weights_only=True)
        change(content["recipe"]["init_args"]["potential"], file.parents[2])
        torch.save(content, file)


def change_config(run: Path, change: Change) -> None:
    config = yaml.safe_load((run / "config.yaml").read_text())
    change(config, run.absolute().parent)
    (run / "config.yaml").write_text(yaml.safe_dump(config))


CHECKPOINTS: dict[str, Change] = {
    "a function for a class": lambda potential, folder: potential["init_args"].update(representation=calls(folder)),
    "a function deeper inside": lambda potential, folder: potential["init_args"]["readout"]["init_args"].update(
        activation=calls(folder)
    ),
    "a module of the current folder": lambda potential, folder: potential.update(class_path=f"{STRANGER}.Net"),
    "a class as text": lambda potential, folder: potential["init_args"].update(representation=f"{STRANGER}.Net"),
}
CONFIGS: dict[str, Change] = {
    "optimizer": lambda config, folder: config["model"]["init_args"].update(optimizer=calls(folder)),
    "task": lambda config, folder: config["model"].update(class_path=f"{STRANGER}.Net"),
    "callback": lambda config, folder: config["trainer"].update(callbacks=[{"class_path": f"{STRANGER}.Net"}]),
    "function of a callback": lambda config, folder: config["trainer"].update(
        callbacks={
            "class_path": "lightning.pytorch.callbacks.LambdaCallback",
            "init_args": {"setup": f"{STRANGER}.Net"},
        }
    ),
    "plugin": lambda config, folder: config["trainer"].update(plugins=f"{STRANGER}.Net"),
    "profiler": lambda config, folder: config["trainer"].update(profiler=calls(folder)),
}
DATA: dict[str, Change] = {
    "dataset": lambda config, folder: config["data"]["init_args"].update(dataset=calls(folder)),
    "split": lambda config, folder: config["data"]["init_args"]["split"].update(class_path=f"{STRANGER}.Net"),
    "another file": lambda config, folder: config.update(data=hidden(folder)),
}


def hidden(folder: Path) -> str:
    """A file that names the module, itself named in the place of a block."""
    (folder / "run" / "block.txt").write_text(f"class_path: {STRANGER}.Net\n")
    return "block.txt"


@pytest.mark.parametrize("attack", CHECKPOINTS)
@pytest.mark.parametrize("command", ["predict", "check", "from"])
def test_a_checkpoint_that_names_code_is_refused(foreign: Path, refused, command: str, attack: str) -> None:  # type: ignore[no-untyped-def]
    change_checkpoints(foreign, CHECKPOINTS[attack])
    said = refused(arguments(command, foreign))
    assert "best.ckpt names " in said
    assert "Change --allow." in said
    assert not Path("executed").exists()


@pytest.mark.parametrize("attack", [*CONFIGS, *DATA])
@pytest.mark.parametrize("command", ["test", "validate", "fit", "from"])
def test_a_config_that_names_code_is_refused(foreign: Path, refused, command: str, attack: str) -> None:  # type: ignore[no-untyped-def]
    change_config(foreign, (CONFIGS | DATA)[attack])
    said = refused(arguments(command, foreign))
    assert said.startswith("run/config.yaml names ")
    assert "Change --allow." in said
    assert not Path("executed").exists()


@pytest.mark.parametrize("flag", [["--config"], ["-c"], ["--config="]])
@pytest.mark.parametrize("command", ["test", "validate"])
def test_a_config_that_is_given_by_name_is_refused_too(foreign: Path, refused, command: str, flag: list[str]) -> None:  # type: ignore[no-untyped-def]
    change_config(foreign, CONFIGS["task"])
    config = "run/config.yaml"
    assert f"names {STRANGER}.Net" in refused(
        [command, *([f"{flag[0]}{config}"] if flag[0].endswith("=") else [*flag, config])]
    )
    assert not Path("executed").exists()


@pytest.mark.parametrize("attack", DATA)
def test_check_builds_no_data_that_is_code(foreign: Path, refused, attack: str) -> None:  # type: ignore[no-untyped-def]
    change_config(foreign, DATA[attack])
    assert "run/config.yaml names " in refused(["check", str(foreign)])
    assert not Path("executed").exists()


@pytest.mark.parametrize("attack", CONFIGS)
def test_predict_and_check_do_not_build_what_trains(foreign: Path, attack: str) -> None:
    change_config(foreign, CONFIGS[attack])
    assert main(arguments("predict", foreign)) == 0
    assert not Path("executed").exists()


@pytest.mark.parametrize("command", ["predict", "check", "test", "validate"])
def test_an_optimizer_in_a_checkpoint_that_is_code_is_refused(foreign: Path, refused, command: str) -> None:  # type: ignore[no-untyped-def]
    for name in ("best", "last"):  # as checkpoints of earlier versions hold it
        file = foreign / "checkpoints" / f"{name}.ckpt"
        content = torch.load(file, weights_only=True)
        content["recipe"]["init_args"]["optimizer"] = calls(foreign.absolute().parent)
        torch.save(content, file)
    assert "best.ckpt names " in refused(arguments(command, foreign))
    assert not Path("executed").exists()


def test_checkpoints_hold_what_rebuilds_the_potential_alone(finished_run: Path) -> None:
    recipe = torch.load(finished_run / "checkpoints" / "best.ckpt", weights_only=True)["recipe"]
    assert list(recipe) == ["init_args"]
    assert list(recipe["init_args"]) == ["potential"]


class Typed(Callback):
    """A class of the user's own."""


class Malicious:
    """Leaves a file where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("executed").absolute(),)


@pytest.mark.parametrize("command", ["predict", "check", "test", "validate", "from"])
def test_a_pickle_in_a_checkpoint_is_not_loaded_whatever_the_config_says(foreign: Path, refused, command: str) -> None:  # type: ignore[no-untyped-def]
    change_config(foreign, lambda config, folder: config.update(weights_only=False))
    file = foreign / "checkpoints" / "best.ckpt"
    torch.save({**torch.load(file, weights_only=True), "extra": Malicious()}, file)
    assert "best.ckpt cannot be read as a checkpoint" in refused(arguments(command, foreign))
    assert not Path("executed").exists()
    pickle.loads(pickle.dumps(Malicious()))
    assert Path("executed").exists()  # else nothing was tried here


@pytest.mark.parametrize("command", ["test", "validate", "fit", "check"])
def test_tags_of_yaml_that_make_objects_are_refused(foreign: Path, refused, command: str) -> None:  # type: ignore[no-untyped-def]
    config = foreign / "config.yaml"
    config.write_text(config.read_text() + "\nrun_dir: !!python/object/apply:os.system ['touch executed']\n")
    refused(arguments(command, foreign))
    assert not Path("executed").exists()


def test_objects_in_the_arrays_of_a_run_are_not_loaded(foreign: Path, refused) -> None:  # type: ignore[no-untyped-def]
    with (foreign / "split.npz").open("wb") as stream:
        np.savez(stream, **dict.fromkeys(("train", "validation", "test"), np.array([Malicious()], dtype=object)))
    assert "split.npz" in refused(["check", str(foreign)])
    assert not Path("executed").exists()


@pytest.mark.parametrize("command", ["test", "validate", "check", "fit"])
def test_a_config_does_not_have_data_prepared_where_its_user_did_not_choose(
    foreign: Path,
    refused,  # type: ignore[no-untyped-def]
    command: str,
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    change_config(foreign, lambda config, folder: config["data"]["init_args"].update(root=str(elsewhere)))
    more = ["--trainer.max_epochs", "3"] if command == "fit" else []
    assert f"would have its dataset prepared in {elsewhere}" in refused([command, str(foreign), *more])
    assert not elsewhere.exists()
    if command == "check":
        assert main([command, str(foreign), "--allow", f"{elsewhere}/"]) == 0
        assert main([command, str(foreign)]) == 0  # it is there now, and is read
    if command == "validate":
        assert main([command, str(foreign), "--data.root", str(elsewhere)]) == 0


def test_a_config_does_not_write_logs_elsewhere(foreign: Path, refused) -> None:  # type: ignore[no-untyped-def]
    logger = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": "logs"}}
    change_config(foreign, lambda config, folder: config["trainer"].update(logger=logger))
    assert "The config of run would write to logs." in refused(["fit", "run", "--trainer.max_epochs", "3"])


def test_classes_that_are_typed_need_no_permission_and_those_of_the_config_still_do(foreign: Path, refused) -> None:  # type: ignore[no-untyped-def]
    command = ["validate", str(foreign), "--trainer.callbacks", "tests.cli.test_foreign_runs.Typed"]
    assert main(command) == 0
    change_config(foreign, CONFIGS["task"])
    assert f"names {STRANGER}.Net" in refused(command)


def test_a_block_in_a_file_is_anybodys(foreign: Path, refused) -> None:  # type: ignore[no-untyped-def]
    Path("block.yaml").write_text(f"class_path: {STRANGER}.Net\n")
    for flag in (["--data", "block.yaml"], ["--data=block.yaml"], ["--trainer.callbacks", "block.yaml"]):
        assert f"block.yaml names {STRANGER}.Net" in refused(["test", str(foreign), *flag])
    assert not Path("executed").exists()


@pytest.mark.slow
def test_files_of_the_current_folder_take_the_place_of_no_library_and_packages_are_allowed_by_name(
    foreign: Path,
) -> None:
    change_checkpoints(
        foreign,
        lambda potential, folder: potential["init_args"]["representation"].update(class_path="mine_of_commands.Mine"),
    )
    mine = "from potbench.representations import AEV\n\n\nclass Mine(AEV):\n    pass\n"
    Path("mine_of_commands.py").write_text(mine)
    for name in ("torch", "numpy", "yaml", "inspect", "ase", "jsonargparse", "wandb", "rdkit", "cupy"):
        Path(f"{name}.py").write_text("open('executed', 'w').close()\n")
    process = start(*arguments("predict", foreign))
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "names mine_of_commands.Mine, of a package that is not allowed" in printed
    finish(start(*arguments("predict", foreign), "--allow", "mine_of_commands"))
    assert Path("out.xyz").is_file()
    assert not Path("executed").exists()


def test_the_users_own_config_names_what_its_parent_may_name(foreign: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is built by fit, so that the same classes in a checkpoint need no permission."""
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    Path("mine_in_config.py").write_text("from potbench.representations import AEV\nclass Mine(AEV): pass\n")

    def name_it(potential: dict[str, Any], folder: Path) -> None:
        potential["init_args"]["representation"]["class_path"] = "mine_in_config.Mine"

    change_checkpoints(foreign, name_it)
    own = yaml.safe_load((foreign / "config.yaml").read_text())
    name_it(own["model"]["init_args"]["potential"], foreign)
    Path("own.yaml").write_text(yaml.safe_dump(own))
    assert main([*arguments("own", foreign), "--trainer.fast_dev_run", "true"]) == 0
