"""What every test may ask for."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from potbench.datasets import rmd17
from potbench.loading import Store
from tests.file_server import FileServer, Served
from tests.native_files.made import blocks
from tests.native_files.npz import write_rmd17


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    # tests are small, and more threads than cores make them slow
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c() -> None:
    # scripts start what runs in the background without it, and processes that tests interrupt would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _default_precision() -> Iterator[None]:
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(autouse=True)
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's prepared datasets are kept: never in the user's own folder."""
    monkeypatch.setenv("POTBENCH_DATA", str(tmp_path / "prepared"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # for processes that a test starts
    monkeypatch.setenv("WANDB_MODE", "offline")  # whoever runs the tests may have logged in
    return tmp_path / "prepared"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of original files: ani1/ani_gdb_s01.h5 and so on."""
    folder = os.environ.get("POTBENCH_TEST_DATA")
    if not folder:
        pytest.skip("needs original files: set POTBENCH_TEST_DATA to their folder")
    if not Path(folder).is_dir():
        pytest.fail(f"POTBENCH_TEST_DATA is {folder}, which is no folder")
    return Path(folder)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    """A server of files, which downloads try again at once."""
    monkeypatch.setattr("potbench.downloads.partial_file.PAUSES", (0.0, 0.0, 0.0))
    running = FileServer()
    yield running
    running.close()


@pytest.fixture
def served_rmd17(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileServer:
    """rMD17 of the molecules that docs name, whose files have published checksums."""
    for molecule in ("ethanol", "uracil", "toluene", "aspirin"):
        write_rmd17(tmp_path / "made", molecule, num_frames=200, fold_size=80)
    monkeypatch.setattr(rmd17, "FIGSHARE", server.url())
    for file in (tmp_path / "made").iterdir():
        body = file.read_bytes()
        name = file.stem.removeprefix("rmd17_")
        monkeypatch.setitem(rmd17.FILES, name, (name, hashlib.md5(body).hexdigest(), len(body)))
        server.files[name] = Served(body)
    return server


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures of runs, which take seconds, are not drawn."""
    for module in ("recorder", "evaluator"):
        monkeypatch.setattr(f"potbench.runs.{module}.draw_figures", lambda run, record: None)
    monkeypatch.setattr("potbench.runs.evaluator.draw_predictions", lambda *arguments: None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Nineteen frames of four molecules, energies only."""
    return Store.write(tmp_path / "store", blocks())


@pytest.fixture
def store_with_forces(tmp_path: Path) -> Store:
    """The same with forces."""
    return Store.write(tmp_path / "store_with_forces", blocks(forces=True))
