"""Published datasets on a server of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from potbench.cli.main import main
from potbench.datasets import md17
from tests.file_server import FileServer, Served
from tests.native_files.npz import write_md17


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a `data` command that must succeed; give what it prints."""

    def command(*arguments: object) -> str:
        assert main(["data", *map(str, arguments)]) == 0
        return capsys.readouterr().out

    return command


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a `data` command that must be refused with status 2; give what it says."""

    def command(*arguments: object) -> str:
        status = main(["data", *map(str, arguments)])
        said = capsys.readouterr().err
        assert status == 2, said
        return said.strip().removeprefix("potbench: ")

    return command


@pytest.fixture
def served_md17(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """MD17 of ethanol, which has no published checksum."""
    monkeypatch.setattr(md17, "PLACES", (server.url(),))
    server.files["md17_ethanol.npz"] = Served(write_md17(tmp_path / "made").read_bytes())
    return server
