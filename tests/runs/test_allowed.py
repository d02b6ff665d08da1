from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from potbench.errors import SettingError
from potbench.runs import current_folder
from potbench.runs.allowed import NOTHING_ELSE, Allowed

CONFIGS = Path(__file__).parents[2] / "configs"
STRANGER = "stranger_of_potbench"


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module that can be imported, and leaves this file where it is."""
    marker = tmp_path / "executed"
    text = f"open({str(marker)!r}, 'w').close()\nclass Net: pass\ndef run(): pass\n"
    (tmp_path / f"{STRANGER}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    yield marker
    sys.modules.pop(STRANGER, None)


CONTENTS = [
    {"class_path": f"{STRANGER}.Net"},
    {"class_path": f"{STRANGER}.deep.Net", "init_args": {}},
    {"model.init_args.potential.class_path": f"{STRANGER}.Net"},
    {"class_path": "torch.nn.SiLU", "init_args": {"inplace": {"class_path": f"{STRANGER}.Net"}}},
    {"class_path": "torch.nn.SiLU", "dict_kwargs": {"hook": f"{STRANGER}.run"}},
    {"callbacks": [[{"class_path": f"{STRANGER}.Net"}]]},
    {"activation": f"{STRANGER}.Net"},
    {"callbacks+": (f"{STRANGER}.Net",)},
    {"potential": f"{{class_path: {STRANGER}.Net}}"},
    {"potential": f'{{"class_path": "{STRANGER}.Net"}}'},
    {"potential": f"'{STRANGER}.Net'"},
    {"potential": f" {STRANGER}.Net\n"},
    {"potential": "./other.txt"},
    {"potential": "other.txt"},
    yaml.safe_load(f"a: &a [*a, {{class_path: {STRANGER}.Net}}]"),
]


@pytest.mark.parametrize("content", CONTENTS, ids=str)
def test_a_package_that_is_not_allowed_is_named_before_it_is_imported(stranger: Path, content: object) -> None:
    Path("other.txt").write_text(f"class_path: {STRANGER}.Net\n")
    with pytest.raises(SettingError, match=rf"RUN names {STRANGER}\.\S+, of a package that is not allowed"):
        NOTHING_ELSE.require(content, "RUN")
    assert not stranger.exists()


def test_a_file_is_found_beside_the_config_that_names_it(stranger: Path) -> None:
    folder = stranger.parent / "run"
    folder.mkdir()
    (folder / "a.yaml").write_text("init_args: b.yaml")
    (folder / "b.yaml").write_text(f"class_path: {STRANGER}.Net")
    with pytest.raises(SettingError, match=f"{STRANGER}.Net"):
        NOTHING_ELSE.require({"data": "a.yaml"}, "RUN", folder)
    assert not stranger.exists()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        *(("os.system", "of a package that is not allowed"), ("builtins.eval", "of a package that is not allowed")),
        *(("torch.hub.load", "of a package"), ("potbench.runs.lock.RunLock", "of a package")),
        *(("torch.package.PackageImporter", "of a package"), ("__main__.anything", "of a package")),
        ("torch.nn.functional.relu", "no class"),
        ("torch.nn.functional.torch.hub.load", "no class"),
        ("potbench.loading.datamodule.prepare", "no class"),
        ("potbench.loading.datamodule.Path", "of pathlib"),
        ("potbench.loading.store.Path", "of pathlib"),
    ],
)
@pytest.mark.parametrize("key", ["class_path", "activation"])
def test_functions_and_classes_of_elsewhere_are_no_classes_of_known_packages(path: str, why: str, key: str) -> None:
    with pytest.raises(SettingError, match=f"RUN names {path}, {why}"):
        NOTHING_ELSE.require({key: path}, "RUN")


@pytest.mark.parametrize(
    "content",
    [
        {"class_path": "torch.nn.SiLU"},
        {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}},
        {"class_path": "lightning.pytorch.plugins.environments.SLURMEnvironment"},
        {"class_path": "potbench.potentials.Gone"},
        {"class_path": "potbench.training.OneCycle", "init_args": {"max_lr": 1e-3}},
        {"file": "test.xyz", "files": ["os.db"], "monitor": "validation/loss", "name": "a.b", "theory": "wB97X: 6"},
        [None, 1, 2.5, True, "H", "", "{", "-", "&a", "No", "1.2.3"],
    ],
    ids=str,
)
def test_what_shipped_configs_may_hold_is_accepted(content: object) -> None:
    NOTHING_ELSE.require(content, "RUN")


def test_classes_of_a_package_that_is_allowed_are_accepted_and_its_functions_are_not(stranger: Path) -> None:
    allowed = Allowed((STRANGER,))
    allowed.require({"class_path": f"{STRANGER}.Net"}, "RUN")
    with pytest.raises(SettingError, match="no class"):
        allowed.require({"class_path": f"{STRANGER}.run"}, "RUN")
    with pytest.raises(SettingError, match=r"os\.system"):
        allowed.require({"class_path": "os.system"}, "RUN")
    with pytest.raises(SettingError, match=f"{STRANGER}_too"):
        allowed.require({"class_path": f"{STRANGER}_too.Net"}, "RUN")


def test_what_the_users_own_config_names_is_accepted(stranger: Path) -> None:
    allowed = NOTHING_ELSE.with_those_of({"optimizer": f"{STRANGER}.run"})
    allowed.require({"optimizer": {"class_path": f"{STRANGER}.run"}}, "RUN")
    with pytest.raises(SettingError, match=f"{STRANGER}.Net"):
        allowed.require({"class_path": f"{STRANGER}.Net"}, "RUN")


@pytest.mark.parametrize("name", ["", "a-b", "a..b", "*"])
def test_what_is_neither_package_nor_folder_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match="expected the name of a package"):
        Allowed((name,))


def test_only_packages_that_are_allowed_are_found_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in ("mine_here", "other_here", "yaml"):
        (tmp_path / f"{name}.py").write_text("here = True\nclass Net: pass\n")
    current_folder.import_packages_from_here(["mine_here", "yaml"])
    Allowed(("mine_here",)).require({"class_path": "mine_here.Net"}, "RUN")
    with pytest.raises(ImportError):
        __import__("other_here")
    assert not hasattr(__import__("yaml"), "here")
    sys.modules.pop("mine_here")


@pytest.mark.parametrize(
    "trainer",
    [
        {"logger": {"init_args": {"save_dir": "elsewhere"}}},
        {"callbacks": [{"init_args": {"dirpath": "/tmp"}}]},
        {"callbacks": [{"init_args": {"filename": "../../last"}}]},
        {"logger": {"init_args": {"tracking_uri": "https://example.com"}}},
        {"profiler": {"init_args": {"dirpath": "~/profile"}}},
    ],
    ids=str,
)
def test_a_trainer_that_would_write_outside_of_the_run_is_refused(tmp_path: Path, trainer: object) -> None:
    with pytest.raises(SettingError, match=f"The config of {tmp_path} would write to"):
        NOTHING_ELSE.require_places(trainer, tmp_path)


def test_a_trainer_may_write_into_the_run_and_where_it_is_allowed(tmp_path: Path) -> None:
    logger = {"class_path": "lightning.pytorch.loggers.CSVLogger", "init_args": {"save_dir": str(tmp_path / "logs")}}
    trainer = {"logger": logger, "default_root_dir": "/elsewhere", "callbacks": [{"monitor": "validation/loss"}]}
    NOTHING_ELSE.require_places(trainer, tmp_path)
    Allowed((f"{tmp_path}/",)).require_places(trainer, tmp_path / "run")


@pytest.mark.parametrize("file", sorted(CONFIGS.rglob("*.yaml")), ids=lambda file: file.relative_to(CONFIGS).as_posix())
def test_shipped_configs_name_known_classes_alone(file: Path) -> None:
    NOTHING_ELSE.require(yaml.safe_load(file.read_text()), file, file.parent)
