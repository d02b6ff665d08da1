"""A run that was killed anywhere, and resumed, ends as the unbroken one does, bit for bit."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from potbench.runs.folder import RunFolder
from tests.cli.conftest import QUICK
from tests.kills.killer import PLACE
from tests.kills.server import Server
from tests.runs.differences import differences

FIT = [
    *("fit", *QUICK, "--trainer.max_epochs", "3", "--run_dir", "run"),
    # random numbers at every step
    *("--model.init_args.potential.init_args.readout.init_args.dropout", "0.1"),
]
EVERY_STEP = ["--checkpoint_every_steps", "1"]
# three epochs of six: nothing improves by 1000
EARLY_STOPPING = [
    *("--trainer.max_epochs", "6", "--model.init_args.schedule", "null"),
    *("--trainer.callbacks+", "lightning.pytorch.callbacks.EarlyStopping", "--trainer.callbacks.monitor"),
    *("validation/loss", "--trainer.callbacks.patience", "2", "--trainer.callbacks.min_delta", "1000"),
]
# with Lightning's own defaults, which average buffers too
AVERAGED = [
    *("--trainer.callbacks+", "lightning.pytorch.callbacks.EMAWeightAveraging", "--trainer.callbacks.decay", "0.7"),
]
ENERGIES = ["--model.init_args.loss.init_args.forces", "0"]

STEP = "potbench.training.gradient:GradientTask.training_step"
VALIDATION = "potbench.training.gradient:GradientTask.validation_step"
SAVE = "potbench.runs.checkpoint_io:WholeFileCheckpointIO.save_checkpoint"
SETTINGS: dict[str, tuple[list[str], list[str]]] = {
    "plain": (
        [],
        [
            f"{STEP}#1",
            f"{STEP}#5",
            "torch.optim:Adam.step#6@after",
            "potbench.loading.sampler:GlobalBatchSampler.__iter__#1",
            f"{VALIDATION}#1",  # of the first check, before training
            f"{VALIDATION}#3",
            "potbench.training.gradient:GradientTask.on_train_epoch_end#2",
            f"{SAVE}#3@after",
            "best.ckpt#1@half",
            "best.ckpt#1@renamed",
            "last.ckpt#1@half",
            "last.ckpt#2@half",
            "last.ckpt#2@whole",
            "last.ckpt#3@renamed",
            "half a row#4",
            "config.yaml#1@half",
            "record.json#1@half",
            "record.json#1@renamed",
            "record.json#2@half",
            "trained_on.npz#1@half",
            "potbench.runs.recorder:Recorder.finish_fit#1",
        ],
    ),
    "every step": (
        EVERY_STEP,
        [f"{STEP}#2", f"{STEP}#6", f"{VALIDATION}#3", "last.ckpt#4@half", "last.ckpt#5@renamed"],
    ),
    "early stopping": (EARLY_STOPPING, [f"{STEP}#8", "last.ckpt#3@half", "last.ckpt#3@renamed"]),
    "averaged": (AVERAGED, [f"{STEP}#1", f"{STEP}#6", f"{VALIDATION}#3", "best.ckpt#2@half", "last.ckpt#2@renamed"]),
    "averaged, every step": ([*AVERAGED, *EVERY_STEP], [f"{STEP}#5", f"{VALIDATION}#2"]),
    "energies": (ENERGIES, ["potbench.training.feature_cache.callback:fill#1@after", "features-#1@half"]),
}
# one place of one setting is enough for each commit
AT_EACH_COMMIT = "plain"
CASES = [
    pytest.param(name, place, marks=[pytest.mark.slow] if number or name != AT_EACH_COMMIT else [])
    for name, (_, places) in SETTINGS.items()
    for number, place in enumerate(places)
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kills")
        patch.setenv("POTBENCH_DATA", str(folder / "prepared"))
        running = Server(folder)
        yield running
        running.close()


@pytest.fixture(scope="module")
def unbroken(server: Server) -> Callable[[str], dict[str, Any]]:
    """What the unbroken runs leave, each trained once."""
    found: dict[str, dict[str, Any]] = {}

    def of(name: str) -> dict[str, Any]:
        if name not in found:
            shutil.rmtree(server.folder / "run", ignore_errors=True)
            assert server.run(*FIT, *SETTINGS[name][0]) == 0, server.output.read_text()
            found[name] = left_by(server)
        return found[name]

    return of


@pytest.mark.parametrize(("name", "place"), CASES)
def test_a_run_that_was_killed_and_resumed_equals_the_unbroken_one(server, unbroken, name, place):
    expected = unbroken(name)
    shutil.rmtree(server.folder / "run")
    for cached in server.folder.glob("prepared/*/features-*.npy"):
        cached.unlink()
    command = [*FIT, *SETTINGS[name][0]]
    assert server.run(*command, **{PLACE: place}) == -9, server.output.read_text()
    is_run = RunFolder(server.folder / "run").config.is_file()
    assert server.run(*(["fit", "run"] if is_run else command)) == 0, server.output.read_text()
    assert not (found := differences(left_by(server), expected)), "\n".join(found)


@pytest.mark.parametrize(
    ("place", "status", "said"),
    [
        (f"{STEP}#5@SIGTERM", 143, "stopped by SIGTERM in epoch 2. Resume with: python -m potbench fit run"),
        pytest.param(
            *(f"{VALIDATION}#2@SIGUSR1", 138, "stopped by SIGUSR1 in epoch 1. Resume with: python -m potbench fit run"),
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *(f"{STEP}#3@SIGINT", 130, "stopped by Ctrl-C in epoch 1. Resume with: python -m potbench fit run"),
            marks=pytest.mark.slow,
        ),
        (f"{SAVE}#4@full", 2, "last.ckpt cannot be used: File too large. Expected room on the disk."),
    ],
)
def test_a_run_that_was_stopped_says_why_and_resumes(server, unbroken, place, status, said):
    expected = unbroken("plain")
    shutil.rmtree(server.folder / "run")
    assert server.run(*FIT, **{PLACE: place}) == status, server.output.read_text()
    assert said in " ".join(server.output.read_text().split())
    assert server.run("fit", "run") == 0, server.output.read_text()
    assert not (found := differences(left_by(server), expected)), "\n".join(found)


TWO = ["--trainer.devices", "2", "--trainer.strategy", "ddp"]
TWO_PLACES = [
    (0, f"{STEP}#5"),
    (1, f"{STEP}#5"),
    (1, f"{STEP}#1"),
    (0, f"{VALIDATION}#3"),
    (0, "last.ckpt#4@half"),
    (1, "potbench.runs.checkpointing:LastCheckpoint.on_train_epoch_start#3"),
]


def in_two(server: Server, arguments: list[str], *places: dict[str, str]) -> list[int]:
    """Run a command in two processes, which are killed at places of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    together = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "NODE_RANK": "0"}
    given = [*places, {}, {}][:2]
    return server.run_together(
        arguments, [{**together, "LOCAL_RANK": str(rank), **place} for rank, place in enumerate(given)]
    )


@pytest.fixture(scope="module")
def unbroken_in_two(server: Server) -> dict[str, Any]:
    """What the unbroken run of two processes leaves."""
    shutil.rmtree(server.folder / "run", ignore_errors=True)
    assert in_two(server, [*FIT, *EVERY_STEP, *TWO]) == [0, 0], server.output.read_text()
    return left_by(server)


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "place"), TWO_PLACES)
def test_where_one_process_of_two_is_killed_the_other_ends_and_the_run_resumes(server, unbroken_in_two, rank, place):
    shutil.rmtree(server.folder / "run")
    begun = time.monotonic()
    statuses = in_two(server, [*FIT, *EVERY_STEP, *TWO], *[{}] * rank, {PLACE: place})
    assert sorted(statuses) == [-9, 1], server.output.read_text()
    assert time.monotonic() - begun < 60
    if rank:  # the first process speaks for all
        said = "Another process of the training has ended; the training ends. Resume with"
        assert said in server.output.read_text()
    assert in_two(server, ["fit", "run"]) == [0, 0], server.output.read_text()
    assert differences(left_by(server), unbroken_in_two) == []


def left_by(server: Server) -> dict[str, Any]:
    """All that is left of a run but times, memory, and the commands that made it."""
    run = RunFolder(server.folder / "run")
    assert not list(run.path.rglob("*.partial"))
    last, best = (torch.load(file, weights_only=True) for file in (run.last, run.best))
    for name in ("training_seconds", "wall_seconds", "cpu_seconds"):
        del last["callbacks"]["Cost"][name]
    last["callbacks"].pop("FeatureCache", None)
    record = json.loads(run.record.read_text())
    for name in ("command", "provenance", "cost"):
        del record[name]
    files = {str(file.relative_to(run.path)) for file in run.path.rglob("*")}
    return {
        "last": last,
        "best": best["state_dict"],
        "record": record,
        "metrics": run.metrics.read_text(),
        "config": run.config.read_text(),
        "split": run.split.read_bytes(),
        "files": sorted(files),
    }
