"""A process that reads damaged files, one after another, and says of each what came of it.

`python -m tests.fuzz.worker FOLDER` reads formats and numbers of mutants from its input, a line each, and writes for
each a line of JSON: the class, the reason, and the memory that was taken, in MiB.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import sys
import time
import traceback
import warnings
import zlib
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

from potbench.data_quality import Verdict, inspect
from potbench.errors import PotbenchError
from potbench.loading.preparation import prepare
from potbench.structures import Frames
from tests.fuzz.formats import FORMATS, made
from tests.fuzz.mutations import mutant

ADDRESS_SPACE = 2 * 2**30
"""Bytes beyond what the libraries take; more than a file of a hundred kB can need."""

ENERGY, DISTANCE, NET_FORCE = 5.0, 0.5, 0.2
"""eV, Å and eV/Å by which one frame stands out from the others."""

Reading = tuple[list[Frames], dict[str, list[int]], set[str]]


def read(kind: str, folder: Path) -> Reading:
    """Prepare a dataset as every command does; return its frames, sizes of its splits, and what looks wrong in it."""
    dataset = FORMATS[kind].open(folder)
    seen: list[Frames] = []

    def watch(chunks: Iterator[Frames]) -> Iterator[Frames]:
        for frames in chunks:
            seen.append(frames)
            yield frames

    with redirect_stdout(None):
        store = prepare(dataset, folder / "prepared", watch)
        assert len(dataset.elements)
    splits = {
        f"{name}, {part}": sorted(map(int, indices))
        for name, split in store.official_splits.items()
        for part, indices in vars(split).items()
        if indices is not None
    }
    wrong = {finding.name for finding in inspect(store, 100, 0) if finding.verdict is not Verdict.FINE}
    return seen, splits, wrong


def classify(kind: str, folder: Path, before: Reading, fault: str = "") -> tuple[str, str]:
    """Return the class of what a damaged file gives, and why; with the fault of a reader where one is tried."""
    name = FORMATS[kind].file
    try:
        _fault(fault)
        frames, splits, wrong = read(kind, folder)
    except PotbenchError as error:
        return ("refused" if name in str(error) else "unnamed"), str(error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        return "traceback", f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
    change = difference(before[0], frames)
    if change is None:
        if splits == before[1]:
            return "same", ""
        lengths = [{name: len(indices) for name, indices in found.items()} for found in (before[1], splits)]
        return ("undetectable", "") if lengths[0] == lengths[1] else ("silent", "sizes of splits")
    if wrong - before[2]:
        return "detected", ", ".join(sorted(wrong - before[2]))
    return ("silent", change) if change else ("undetectable", "")


def difference(before: list[Frames], after: list[Frames]) -> str | None:
    """Return what a careful look would find in damaged frames; None where they are as before, empty for too little."""
    one, other = list(_singly(before)), list(_singly(after))
    if len(one) != len(other):
        return "number of frames"
    found = None
    for old, new in zip(one, other, strict=True):
        if not np.array_equal(old.atomic_numbers, new.atomic_numbers):
            return "elements"
        moved = np.linalg.norm(old.positions - new.positions, axis=-1).max()
        shift = np.abs(old.energy - new.energy).max()
        if moved > DISTANCE:
            return "moved atoms"
        if shift > ENERGY:
            return "outlier energies"
        if (old.forces is None) is not (new.forces is None):
            return "forces lost"
        if new.forces is not None and old.forces is not None:
            net = [np.abs(frames.forces.sum(axis=1)).max() for frames in (old, new)]
            if net[1] - net[0] > NET_FORCE:
                return "net forces"
        if any(not np.array_equal(a, b) for a, b in zip(old[1:5], new[1:5], strict=True) if a is not None):
            found = ""
    return found


def _singly(chunks: list[Frames]) -> Iterator[Frames]:
    for chunk in chunks:
        for at in range(len(chunk.energy)):
            yield chunk._replace(
                positions=chunk.positions[at : at + 1],
                energy=chunk.energy[at : at + 1],
                forces=None if chunk.forces is None else chunk.forces[at : at + 1],
            )


def _fault(kind: str) -> None:
    """Do what a faulty reader would, for the test of the fuzzer."""
    if kind == "hang":
        time.sleep(60)
    elif kind == "die":
        os.abort()
    elif kind == "memory":
        bytearray(2**29).count(b"1")
    elif kind == "raise":
        raise TypeError("a defect")
    elif kind == "refuse":
        raise PotbenchError("something is wrong")


def _peak() -> float:
    # what getrusage says of this process begins with the peak of the one that started it
    own = re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())
    assert own
    return max(int(own[1]), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**10


def main(folder: Path) -> None:
    """Answer for the mutants that come in."""
    warnings.simplefilter("ignore")
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ADDRESS_SPACE, resource.RLIM_INFINITY))
    # for the test of the fuzzer: number of a mutant → what a faulty reader would do with it
    faults = dict(one.split() for one in os.environ.get("FUZZ_FAULTS", "").split(",") if one)
    known: dict[str, tuple[bytes, Reading]] = {}
    for line in sys.stdin:
        kind, number = line.split()
        place = folder / kind
        if kind not in known:
            file = made(kind, place)
            known[kind] = file.read_bytes(), read(kind, place)
        raw, before = known[kind]
        highest = _peak()
        damaged = mutant(FORMATS[kind], raw, [zlib.crc32(kind.encode()), int(number)])
        (place / FORMATS[kind].file).write_bytes(damaged)
        shutil.rmtree(place / "prepared", ignore_errors=True)
        result = classify(kind, place, before, faults.get(number, ""))
        print(json.dumps([*result, round(_peak() - highest)]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
