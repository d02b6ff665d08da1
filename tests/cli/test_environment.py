from collections.abc import Callable

import pytest
import yaml

from potbench.cli.environment import check_environment, variable
from potbench.cli.main import main
from potbench.errors import PotbenchError
from tests.cli.conftest import CONFIGS, QUICK

SETTINGS = ["run_dir", "data", "trainer.max_epochs"]


def test_a_variable_is_named_by_command_and_key() -> None:
    assert variable("fit", "trainer.max_epochs") == "POTBENCH_FIT__TRAINER__MAX_EPOCHS"


@pytest.mark.parametrize("name", ["POTBENCH_DATA", "POTBENCH_TEST_DATA", "POTBENCH_FIT__TRAINER__MAX_EPOCHS", "OTHER"])
def test_variables_that_are_read_are_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    check_environment()
    check_environment("fit", SETTINGS)
    check_environment("test", SETTINGS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("POTBENCH_DAAT", " Did you mean POTBENCH_DATA?"),
        ("POTBENCH_FITT__TRAINER__MAX_EPOCHS", " Did you mean POTBENCH_FIT__TRAINER__MAX_EPOCHS?"),
        ("POTBENCH_FIT__TRAINER__MAX_EPOCS", " Did you mean POTBENCH_FIT__TRAINER__MAX_EPOCHS?"),
        ("POTBENCH_FIT__DATA__BATCH_SIZE", " Settings inside data and model are flags or keys of a config."),
        ("POTBENCH_", ""),
    ],
)
def test_a_misspelled_variable_is_refused(name: str, hint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "3")
    with pytest.raises(PotbenchError, match=f"The environment variable {name} is none that potbench reads") as error:
        check_environment("fit", SETTINGS)
    assert hint in str(error.value)


def test_every_command_refuses_one(monkeypatch: pytest.MonkeyPatch, refused: Callable[[list[str]], str]) -> None:
    monkeypatch.setenv("POTBENCH_DAAT", "/data")
    assert refused(["data", "list"]).startswith("The environment variable POTBENCH_DAAT is none that potbench reads.")
    monkeypatch.delenv("POTBENCH_DAAT")
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCS", "3")
    assert "Did you mean POTBENCH_FIT__TRAINER__MAX_EPOCHS?" in refused(["fit", *QUICK])


def test_settings_are_read_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refused: Callable[[list[str]], str]
) -> None:
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCHS", "9")
    with pytest.raises(SystemExit):
        main(["fit", "--data", str(CONFIGS / "data/sample.yaml"), "--print_config"])
    assert yaml.safe_load(capsys.readouterr().out)["trainer"]["max_epochs"] == 9
    monkeypatch.setenv("POTBENCH_FIT__TRAINER__MAX_EPOCHS", "abc")
    assert refused(["fit", *QUICK]).startswith("trainer.max_epochs is 'abc', expected a whole number or null.")
