"""Nothing that jsonargparse says reaches a user as it is."""

import json
from pathlib import Path

import pytest
from jsonargparse import ActionConfigFile
from lightning.pytorch import Trainer

from potbench.cli.lightning import ELEMENTS, RunParser
from potbench.errors import PotbenchError
from potbench.loading import AtomsDataModule
from potbench.training import Task
from tests.cli.conftest import CONFIGS

QUICKSTART = ["--config", str(CONFIGS / "quickstart.yaml")]
SAMPLE, POTENTIAL = "potbench.datasets.Sample", "model.init_args.potential.init_args"
MOLECULES = "aspirin, azobenzene, benzene, ethanol, malonaldehyde, naphthalene, paracetamol, salicylic, toluene, uracil"


def made_parser() -> RunParser:
    """A parser of the settings of fit."""
    made, fit = RunParser(prog="program"), RunParser()
    fit.add_argument("--config", action=ActionConfigFile)
    fit.add_argument("--seed_everything", type=bool | int, default=0)
    fit.add_lightning_class_args(Trainer, "trainer")
    fit.add_lightning_class_args(AtomsDataModule, "data", subclass_mode=True)
    fit.add_lightning_class_args(Task, "model", subclass_mode=True)
    fit.link_arguments("data.elements", ELEMENTS, apply_on="instantiate")
    made.add_subcommands().add_subcommand("fit", fit)
    return made


parser = pytest.fixture(scope="module")(made_parser)


def said(parser: RunParser, *arguments: object) -> str:
    with pytest.raises(PotbenchError) as refused:
        parser.parse_args(["fit", *map(str, arguments)])
    message = str(refused.value)
    assert "\n" not in message
    assert not any(word in message for word in ("Union", "Subtypes", "Parser key", "NestedArg", "<class", "typing"))
    return message


def test_of_several_configs_the_one_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "good.yaml").write_text("seed_everything: 1\n")
    (tmp_path / "inner" / "bad.yaml").write_text("trainer: {max_epochs: 2\ndata: x\n")
    monkeypatch.chdir(tmp_path)
    message = said(made_parser(), "--config", "good.yaml", "--config", "inner/bad.yaml")
    assert message.startswith("inner/bad.yaml is no config: while parsing a flow mapping")


def test_a_key_that_stands_twice_is_refused(parser: RunParser, tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text("seed_everything: 1\ntrainer: {max_epochs: 2}\ntrainer: {max_epochs: 3}\n")
    message = said(parser, *QUICKSTART, "--config", file)
    assert "twice.yaml is ambiguous: trainer stands twice in what begins in line 1. Expected each key once." in message


def test_null_is_none_however_deep_a_setting_is(parser: RunParser) -> None:
    xyz = ["--data.dataset", "potbench.datasets.ExtendedXYZ", "--data.dataset.file", "a.xyz"]
    units = ["--data.dataset.energy_unit", "eV", "--data.dataset.length_unit", "Å"]
    found = parser.parse_args(["fit", *QUICKSTART, *xyz, *units, "--data.dataset.forces_key", "null"])
    assert found.fit.data.init_args.dataset.init_args.forces_key is None


def test_a_setting_of_a_class_that_has_none_is_said_to_be_one(parser: RunParser) -> None:
    dataset = "data.init_args.dataset"
    assert said(parser, *QUICKSTART, "--data.dataset", SAMPLE, "--data.dataset.file", "a.xyz") == (
        f"There is no setting {dataset}.init_args.file: Sample has none. Expected another class, or its config before "
        f"this setting. Change {dataset}."
    )


def test_an_entry_alone_does_not_replace_a_mapping_and_where_it_can_be_added_is_said(
    parser: RunParser, tmp_path: Path
) -> None:
    (tmp_path / "more.yaml").write_text("data.init_args.dataset.init_args.datasets.b: potbench.datasets.Sample\n")
    one = "{class_path: potbench.datasets.Several, init_args: {name: both, datasets: {a: potbench.datasets.Sample}}}"
    place = "data.init_args.dataset.init_args.datasets"
    both = ["--data.dataset", one, "--config", tmp_path / "more.yaml"]
    assert said(parser, *QUICKSTART, *both) == (
        f"{place} would have the entry b alone. Expected all of its entries, or --{place}.b behind the config. Change "
        f"{place}."
    )
    added = [*QUICKSTART, "--data.dataset", one, f"--{place}.b", "potbench.datasets.Sample"]
    found = parser.parse_args(["fit", *added]).fit.data.init_args.dataset.init_args.datasets
    assert sorted(found) == ["a", "b"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--trainer.max_epochs", "abc"],
            "trainer.max_epochs is 'abc', expected a whole number or null. Change trainer.max_epochs.",
        ),
        (
            ["--data.batch_size", "abc"],
            "data.init_args.batch_size is 'abc', expected a whole number. Change data.init_args.batch_size.",
        ),
        (
            ["--model.optimizer.lr", "abc"],
            "model.init_args.optimizer.init_args.lr is 'abc', expected a number. "
            "Change model.init_args.optimizer.init_args.lr.",
        ),
        (
            ["--model.potential.readout.hidden_sizes", "abc"],
            f"{POTENTIAL}.readout.init_args.hidden_sizes is 'abc', expected a list of whole numbers or a mapping. "
            f"Change {POTENTIAL}.readout.init_args.hidden_sizes.",
        ),
        (
            ["--model.potential.elements", "H"],
            f"{POTENTIAL}.elements is 'H', expected a list. Change {POTENTIAL}.elements.",
        ),
        (["--seed_everything", "abc"], "seed_everything is 'abc', expected true or false or a whole number."),
        (["--trainer.precision", "bf15"], "or null. Did you mean bf16? Change trainer.precision."),
        (
            ["--data.dataset", "RMD17", "--data.dataset.molecule", "ethanl"],
            f"data.init_args.dataset.init_args.molecule is 'ethanl', expected one of {MOLECULES}. Did you mean "
            "ethanol? Change data.init_args.dataset.init_args.molecule.",
        ),
        (["--data.batch_size.more", "3"], "There is no setting data.init_args.batch_size.more."),
        (["--trainer", "3"], "trainer is 3, which does not exist. Expected a config file. Change trainer."),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(parser: RunParser, arguments: list[str], message: str) -> None:
    assert message in said(parser, *QUICKSTART, *arguments)


@pytest.mark.parametrize(
    ("key", "given", "nearest"),
    [
        ("data.dataset", "Sampel", "Sample"),
        ("data.dataset", "potbench.datasets.Sampel", SAMPLE),
        ("model.potential.representation", "potbench.representations.AEVV", "potbench.representations.AEV"),
        ("model.potential.representation", "potbench.representation.AEV", "potbench.representations.AEV"),
        ("model.potential.readout.activation", "torch.nn.RELU", "torch.nn.ReLU"),
        ("model.optimizer", "torch.optim.Adaam", "torch.optim.Adam"),
        ("model.loss.error", "torch.nn.MSELos", "torch.nn.MSELoss"),
        ("trainer.callbacks", "EarlyStoping", "EarlyStopping"),
        ("trainer.logger", "CSVLoger", "CSVLogger"),
    ],
)
def test_a_misspelled_class_names_the_nearest(parser: RunParser, key: str, given: str, nearest: str) -> None:
    place = key if key.startswith("trainer") else key.replace(".", ".init_args.")
    assert said(parser, *QUICKSTART, f"--{key}", given) == (
        f"{place} is {given!r}, expected the path of a class that can be imported. Did you mean {nearest}? "
        f"Change {place}."
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--data.split", SAMPLE],
            f"data.init_args.split is {SAMPLE}, expected the class path of a Split. Did you mean --data.dataset? "
            "Change data.init_args.split.",
        ),
        (
            ["--model", CONFIGS / "potential" / "painn.yaml"],
            "model is potbench.potentials.AtomicPotential, expected the class path of a Task. Did you mean "
            "--model.potential? Change model.",
        ),
        (
            ["--data.dataset", "potbench.datasets.Dataset"],
            "data.init_args.dataset is potbench.datasets.Dataset, a base class. Expected a class derived from it. "
            "Change data.init_args.dataset.",
        ),
    ],
)
def test_a_class_of_another_kind_is_named_with_its_key(
    parser: RunParser, arguments: list[object], message: str
) -> None:
    assert said(parser, *QUICKSTART, *arguments) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data.batchsize", "3"], "There is no setting data.init_args.batchsize. Did you mean batch_size? Expected"),
        (
            ["--model.loss.force", "3"],
            "There is no setting model.init_args.loss.init_args.force. Did you mean forces? Expected one of energy, "
            "forces, error, per_atom.",
        ),
        (
            ["--model.potential.readout.hidden_size", "[3]"],
            f"There is no setting {POTENTIAL}.readout.init_args.hidden_size. Did you mean hidden_sizes? Expected one "
            "of hidden_sizes, activation, dropout, per_element, rms_norm.",
        ),
        (["--trainer.max_epoch", "3"], "There is no setting trainer.max_epoch. Did you mean trainer.max_epochs?"),
        (["--max_epochs", "3"], "There is no setting max_epochs. Did you mean trainer.max_epochs?"),
        (["--batch_size", "3"], "There is no setting batch_size. Did you mean data.batch_size?"),
        (["--seed", "3"], "There is no setting seed. Did you mean seed_everything? program fit --help lists all."),
        (["more"], "There is an argument too many: more. program fit --help lists all."),
        (["--data.dataset"], "--data.dataset has no value. Expected one behind it."),
        (["--trainer.max_epochs", "--data", "x"], "--trainer.max_epochs has no value. Expected one behind it."),
    ],
)
def test_an_unknown_setting_names_the_nearest(parser: RunParser, arguments: list[str], message: str) -> None:
    assert said(parser, *QUICKSTART, *arguments).startswith(message)


NESTED = "data: {init_args: {split: {class_path: potbench.loading.NestedSplit, init_args: %s}}}"
INNER = "split: {class_path: potbench.loading.RandomSplit, init_args: {%s}}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trainerr: {max_epochs: 3}", "There is no setting trainerr.max_epochs. Did you mean trainer.max_epochs?"),
        ("trainer: {max_epoch: 3}", "There is no setting trainer.max_epoch. Did you mean trainer.max_epochs?"),
        ("seed_everithing: 3", "There is no setting seed_everithing. Did you mean seed_everything?"),
        ("data: {init_args: {batchsize: 3}}", "There is no setting data.init_args.batchsize. Did you mean batch_size?"),
        (
            NESTED % f"{{size: 3, {INNER % 'tain: 3'}}}",
            "There is no setting data.init_args.split.init_args.split.init_args.tain. Did you mean train? Expected one "
            "of train, validation, test, seed.",
        ),
        (
            NESTED % f"{{size: 3, {INNER % 'train: abc'}}}",
            "data.init_args.split.init_args.split.init_args.train is 'abc', expected a number.",
        ),
        (
            NESTED.replace("NestedSplit", "Folds") % f"{{{INNER % 'train: 3'}}}",
            "data.init_args.split.init_args.fold is missing. Expected a whole number.",
        ),
        (
            "data: {init_args: {dataset: {class_path: potbench.datasets.RMD17}}}",
            f"data.init_args.dataset.init_args.molecule is missing. Expected one of {MOLECULES}.",
        ),
        (
            "model: {init_args: {potential: {init_args: {readout: {init_args: {hidden_sizes: null}}}}}}",
            "model.init_args.potential.init_args.readout.init_args.hidden_sizes is missing. Expected a list of whole "
            "numbers",
        ),
        ("data: nowhere.yaml", "data is nowhere.yaml, which does not exist. Expected a config file. Change data."),
        ("trainer: nowhere.yaml", "trainer is nowhere.yaml, which does not exist."),
        (
            "data:\n\tbatch_size: 3",
            " is no config: while scanning for the next token found character that cannot start",
        ),
        ("[1, 2]", " is no config: it holds no settings. Expected YAML, as in configs/quickstart.yaml."),
        ("", " is no config: it holds no settings."),
    ],
)
def test_what_is_wrong_in_a_file_is_named(parser: RunParser, text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "more.yaml"
    file.write_text(text)
    shown = said(parser, *QUICKSTART, "--config", file)
    assert shown.startswith(f"{file}{message}" if message.startswith(" ") else message)


def test_files_that_are_no_configs_are_named(parser: RunParser, tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    assert said(parser, "--config", tmp_path / "binary.yaml").startswith(f"{tmp_path / 'binary.yaml'} is no config: ")
    for name, state in (("none.yaml", "does not exist"), ("loop.yaml", "does not exist"), ("", "is no file")):
        assert said(parser, "--config", tmp_path / name).startswith(f"The config {tmp_path / name} {state}.")
    assert "data is none.yaml, which does not exist." in said(parser, *QUICKSTART, "--data", "none.yaml")


def test_a_misspelled_file_is_compared_with_those_beside_it(parser: RunParser) -> None:
    near = "does not exist. Did you mean {}? Expected a"
    blocks = CONFIGS / "data"
    assert near.format("quickstart") in said(parser, "--config", CONFIGS / "quickstrat.yaml")
    assert near.format("extended_xyz") in said(parser, *QUICKSTART, "--data", blocks / "extnded_xyz.yaml")
    assert "exist. Expected" in said(parser, *QUICKSTART, "--data", blocks / "zzz.yaml")


def test_a_block_of_another_kind_is_told_apart_from_one_that_names_itself(parser: RunParser) -> None:
    block = CONFIGS / "data/rmd17.yaml"
    shown = said(parser, *QUICKSTART, "--model.potential", block)
    place = "model.init_args.potential"
    assert shown == f"{place} is {block}, which describes AtomsDataModule. Give it as --data {block}."


@pytest.mark.parametrize(
    ("block", "class_path", "flag"),
    [
        ("data/rmd17.yaml", "potbench.loading.AtomsDataModule", "data"),
        ("potential/painn.yaml", "potbench.potentials.AtomicPotential", "model.potential"),
    ],
)
def test_a_block_given_as_a_config_is_said_to_be_one(parser: RunParser, block: str, class_path: str, flag: str) -> None:
    file = CONFIGS / block
    assert said(parser, "--config", file) == (
        f"{file} describes {class_path} alone. Expected a whole config behind --config. Give it as --{flag} {file}."
    )


@pytest.mark.parametrize(
    ("flag", "file"),
    [
        ("--data", "quickstart.yaml"),
        ("--trainer", "quickstart.yaml"),
        ("--model", "training/energies.yaml"),
        ("--model.potential", "training/energies.yaml"),
    ],
)
def test_a_config_given_as_a_block_is_said_to_be_one(parser: RunParser, flag: str, file: str) -> None:
    assert said(parser, *QUICKSTART, flag, CONFIGS / file) == (
        f"{flag} is {CONFIGS / file}, which has settings beside one block. Give it as --config {CONFIGS / file}."
    )


def test_what_is_not_known_here_is_passed_on_in_one_line(parser: RunParser) -> None:
    assert said(parser, *QUICKSTART, "--print_config=foo") == (
        'The command line cannot be read (Invalid option "foo" for --print_config). program fit --help lists all.'
    )


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("cutof", 3, f"There is no setting {POTENTIAL}.cutof. Did you mean cutoff? Expected one of "),
        ("cutoff", "far", f"{POTENTIAL}.cutoff is 'far', expected a number. Change {POTENTIAL}.cutoff."),
    ],
)
def test_what_is_wrong_in_the_file_of_a_block_is_said_by_its_key(
    parser: RunParser, tmp_path: Path, setting: str, value: object, message: str
) -> None:
    block = tmp_path / "block.yaml"
    block.write_text(json.dumps({"class_path": "potbench.potentials.Pairwise", "init_args": {setting: value}}))
    key = POTENTIAL.removesuffix(".init_args")
    assert said(parser, *QUICKSTART, f"--{key}", block).startswith(message)


OWN = "model.init_args.potential.init_args.representation"
NEEDS = "whose module imports nowhere, which is not there. Install or correct it."


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("class Own(Base)\n", "own_module.py cannot be imported: expected ':' in line 1. Correct own_module.py."),
        (
            "import nowhere.found\n",
            f"{OWN} is 'own_module.Own', {NEEDS}",
        ),
    ],
    ids=["syntax", "package"],
)
def test_what_an_own_module_lacks_is_said(
    parser: RunParser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, expected: str
) -> None:
    (tmp_path / "own_module.py").write_text(content)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert said(parser, *QUICKSTART, "--model.potential.representation", "own_module.Own") == expected
