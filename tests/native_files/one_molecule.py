"""Frames of one molecule with forces, from the sample inside the package."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import h5py

from potbench.datasets import Sample
from potbench.structures import Frames


@cache
def sample_frames(name: str = "CH3OH", start: int = 0, end: int | None = None) -> Frames:
    """Some of the 150 frames of a molecule."""
    frames = next(frames for frames in Sample().read() if frames.molecule == name)
    chosen = slice(start, end)
    return frames._replace(
        positions=frames.positions[chosen], energy=frames.energy[chosen], forces=frames.forces[chosen]
    )


def write_one_molecule(file: Path, name: str = "CH3OH") -> Path:
    """A file as `python -m potbench data generate` would make it of one molecule alone."""
    sample = Sample()
    with h5py.File(sample.file) as source, h5py.File(file, "w") as target:
        manifest = replace(sample.manifest, molecules={name: sample.manifest.molecules[name]})
        target.attrs["manifest"] = manifest.to_json()
        source.copy(name, target)
    return file
