"""A process that reads damaged files, one after another, and says of each what came of it.

`python -m tests.fuzz.worker KIND FOLDER` reads the numbers of mutants from its input, a line each, and writes for each
a line of JSON: the class, the reason, and the memory that was taken, in MiB.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
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


def classify(kind: str, folder: Path, before: Reading) -> tuple[str, str]:
    """Return the class of what a damaged file gives, and why."""
    name = FORMATS[kind].file
    try:
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


def _peak() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss / 2**10 for kind in kinds)


def main(kind: str, folder: Path) -> None:
    """Answer for the numbers that come in."""
    warnings.simplefilter("ignore")
    answers = sys.stdout
    file = made(kind, folder)
    raw = file.read_bytes()
    before = read(kind, folder)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ADDRESS_SPACE, resource.RLIM_INFINITY))
    print(json.dumps(["ready", "", 0]), file=answers, flush=True)
    highest = _peak()
    for line in sys.stdin:
        file.write_bytes(mutant(FORMATS[kind], raw, [zlib.crc32(kind.encode()), int(line)]))
        shutil.rmtree(folder / "prepared", ignore_errors=True)
        result = classify(kind, folder, before)
        print(json.dumps([*result, round(_peak() - highest)]), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
