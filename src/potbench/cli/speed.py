"""Benchmarks: what potbench delivers, side by side with the libraries' own way, in one run."""

from __future__ import annotations

from potbench.cli.main import Command, dispatch

COMMANDS = {
    "data": Command("frames per second of the loader; memory with millions of frames", "potbench.speed.data:run"),
    "prepare": Command("converting files, against filling an ASE database", "potbench.speed.prepare:run"),
    "train": Command("training steps by the libraries' own loops and by potbench", "potbench.speed.train:run"),
}


def run(words: list[str]) -> int:
    """Run a benchmark; return the exit status."""
    return dispatch(words, COMMANDS, "python -m potbench speed", "potbench speed: benchmarks on this machine")
