from pathlib import Path

import pytest
from jsonargparse import Namespace
from lightning.pytorch import Trainer

from potbench.cli.parsing import Parser
from potbench.cli.places import Flags, Keys, require_values
from potbench.cli.predict import predict
from potbench.datasets import RMD17
from potbench.errors import SettingError
from potbench.loading import AtomsDataModule, KFold, NestedSplit, RandomSplit, Split


def block(class_path: str, **init_args: object) -> Namespace:
    return Namespace(class_path=class_path, init_args=Namespace(**init_args))


def split(train: float) -> Namespace:
    return block("potbench.loading.RandomSplit", train=train, validation=0.1, test=0.1, seed=0)


@pytest.fixture
def keys() -> Keys:
    nested = block("potbench.loading.NestedSplit", split=split(0.0), size=5, seed=0)
    data = block("potbench.loading.AtomsDataModule", split=nested, batch_size=16, root="/data/sets", seed=0)
    callbacks = [block("lightning.pytorch.callbacks.EarlyStopping", monitor="foo", patience=3)]
    trainer = Namespace(max_epochs=3, limit_val_batches=None, callbacks=callbacks)
    return Keys(Namespace(data=data, trainer=trainer, run_dir="runs/mine"))


@pytest.mark.parametrize(
    ("owner", "setting", "value", "place"),
    [
        (RandomSplit, "train", 0.0, "data.init_args.split.init_args.split.init_args.train"),
        (NestedSplit, "size", 5, "data.init_args.split.init_args.size"),
        (NestedSplit, "seed", 0, "data.init_args.split.init_args.seed"),
        (Split, "train", 0.0, "data.init_args.split.init_args.split.init_args.train"),
        (NestedSplit, "", None, "data.init_args.split"),
        (AtomsDataModule, "batch_size", 16, "data.init_args.batch_size"),
        (Trainer, "max_epochs", 3, "trainer.max_epochs"),
        (Trainer, "nothing", 3, None),
        (KFold, "fold", 3, None),
        (len, "obj", 3, None),
    ],
)
def test_a_setting_is_found_where_its_owner_stands(
    keys: Keys, owner: object, setting: str, value: object, place: str | None
) -> None:
    assert keys.of(SettingError(owner, setting, value, "another")) == place


def test_of_several_owners_the_one_with_the_value_is_meant() -> None:
    settings = Namespace(splits=[split(0.5), split(0.0)], other=split(0.7))
    assert Keys(settings).of(SettingError(RandomSplit, "train", 0.7, "")) == "other.init_args.train"
    assert Keys(settings).of(SettingError(RandomSplit, "train", 0.0, "")) == "splits.init_args.train"


def test_from_python_the_argument_is_named() -> None:
    with pytest.raises(SettingError, match=r"Change the argument train of RandomSplit\.$"):
        NestedSplit(RandomSplit(train=0), 5)
    with pytest.raises(SettingError, match=r"Change the argument molecule of RMD17\.$"):
        RMD17("ethanl")  # type: ignore[arg-type]


def test_the_file_is_named_where_the_user_did_not_name_it(keys: Keys) -> None:
    of_run = Keys(keys.settings, Path("runs/mine/config.yaml"))
    place = of_run.of(SettingError(AtomsDataModule, "batch_size", 16, ""))
    assert place == "data.init_args.batch_size in runs/mine/config.yaml"


def test_a_path_comes_from_the_setting_with_the_most_of_it(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTBENCH_DATA", "/data")
    assert keys.of_path("/data/sets/sample-0/energy.npy") == "data.init_args.root"
    assert keys.of_path("/data/other") == "POTBENCH_DATA"
    assert keys.of_path(str(Path("runs/mine/record.json"))) == "run_dir"
    assert keys.of_path("runs/mine.partial") == "run_dir"
    assert keys.of_path("runs") == "run_dir"
    assert keys.of_path("/elsewhere") is None
    monkeypatch.setenv("POTBENCH_DATA", "/data/sets/more")
    assert keys.of_path("/data/sets/more/energy.npy") == "POTBENCH_DATA"
    monkeypatch.delenv("POTBENCH_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", "/home/me/.local/share")
    assert keys.of_path("/home/me/.local") == "POTBENCH_DATA"


def test_settings_are_found_by_the_ends_of_their_names(keys: Keys) -> None:
    assert keys.named("batch_size") == ["data.init_args.batch_size"]


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("`limit_val_batches` (3) must be less, or set `max_epochs`", "trainer.limit_val_batches"),
        ("No metric `foo`; change your `EarlyStopping` callback", "trainer.callbacks.init_args.monitor"),
        ("`EarlyStopping(monitor='foo')` could not find it", "trainer.callbacks.init_args.monitor"),
        ("max_epochs is wrong", None),
    ],
)
def test_a_message_of_lightning_names_its_setting(keys: Keys, said: str, place: str | None) -> None:
    assert keys.of_message(said) == place


@pytest.mark.parametrize(
    ("key", "null"),
    [("batch_size", "a whole number"), ("split", None), ("root", None), ("seed", "a whole number")],
)
def test_null_is_refused_where_a_setting_must_have_a_value(keys: Keys, key: str, null: str | None) -> None:
    keys.settings.data.init_args[key] = None
    require_values(keys.settings, f"data.init_args.{key}")
    if null is None:
        require_values(keys.settings, "")
        return
    with pytest.raises(SettingError, match=f"{key} is None, expected {null}") as refused:
        require_values(keys.settings, "")
    assert keys.of(refused.value) == f"data.init_args.{key}"


def test_of_a_command_the_flag_or_the_positional_is_named() -> None:
    parser = Parser.of(predict, "predict")
    flags = Flags(parser.parse_args(["runs/mine", "--input", "in.xyz", "--output", "out/x.npz"]), parser)
    assert flags.of(SettingError(predict, "batch_size", 0, "")) == "--batch_size"
    assert flags.of(SettingError(predict, "run", 0, "")) == "RUN"
    assert flags.of(SettingError(RandomSplit, "train", 0, "")) is None
    assert flags.of_path("out/x.npz.1234.partial") == "--output"
    assert flags.of_path("out") == "--output"
    assert flags.of_path("runs/mine/config.yaml") == "RUN"
    assert flags.named("batch_size") == ["--batch_size"]
    assert flags.named("output", "run_dir", "root") == ["--output"]
    assert flags.of_message("`output` is wrong") is None
