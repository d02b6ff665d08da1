from pathlib import Path

import pytest

from potbench.laws import LAWS
from tests.physics.exceptions import EXCEPTIONS, entry
from tests.physics.potentials import CONFIGS


class Collected:
    """A plugin of pytest that remembers the tests of configs, as they would stand in the table of exceptions."""

    def pytest_collection_finish(self, session):
        tests = [test for test in session.items if "config" in getattr(test, "fixturenames", ())]
        self.entries = [entry(test) for test in tests]


@pytest.fixture(scope="module")
def collected():
    plugin = Collected()
    assert pytest.main(["--collect-only", "--quiet", str(Path(__file__).parent)], [plugin]) == pytest.ExitCode.OK
    return plugin.entries


def test_every_law_is_held_against_every_config_once(collected):
    laws = {law.name for law in LAWS}
    expected = [(config.stem, law.name) for config in CONFIGS for law in LAWS]
    assert sorted(entry for entry in collected if entry[1] in laws) == sorted(expected)


def test_exceptions_name_configs_and_laws_or_tests_that_exist(collected):
    assert set(EXCEPTIONS) <= set(collected)


def test_no_law_is_broken_by_every_config():
    for law in LAWS:
        assert any((config.stem, law.name) not in EXCEPTIONS for config in CONFIGS)
