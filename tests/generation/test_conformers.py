from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from potbench.datasets.generated_manifest import GeneratedMolecule
from potbench.generation.conformers import Conformers
from potbench.generation.normal_modes import NormalModes


@pytest.fixture(params=[0, 3])
def work(request: pytest.FixtureRequest) -> Conformers:
    rng = np.random.default_rng(0)
    return Conformers(
        atomic_numbers=np.array([8, 1, 1], np.uint8),
        start=rng.normal(size=(3, 3)),
        modes=NormalModes(rng.normal(size=(3, 3)), rng.normal(size=(3, 3, 3)), np.ones(3), np.arange(3.0)),
        positions=list(rng.normal(size=(request.param, 3, 3))),
        energy=rng.normal(size=request.param).tolist(),
        forces=list(rng.normal(size=(request.param, 3, 3))),
        redrawn=[(index, 2) for index in range(request.param)],
        seconds=1.5,
    )


def test_what_is_saved_is_loaded_to_the_last_bit(tmp_path: Path, work: Conformers):
    work.save(tmp_path / "work.npz")
    np.testing.assert_equal(asdict(Conformers.load(tmp_path / "work.npz")), asdict(work))
    assert [path.name for path in tmp_path.iterdir()] == ["work.npz"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, work: Conformers, monkeypatch: pytest.MonkeyPatch):
    work.save(tmp_path / "work.npz")
    before = (tmp_path / "work.npz").read_bytes()

    def fail(stream: BinaryIO, **arrays: np.ndarray) -> None:
        stream.write(b"half a file")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        work.save(tmp_path / "work.npz")
    assert (tmp_path / "work.npz").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["work.npz"]


def test_the_first_frames_are_those_drawn_first(work: Conformers):
    few = work.first(2)
    assert few.energy == work.energy[:2]
    assert len(few.positions) == len(few.forces) == len(few.redrawn) == len(few.energy)


def test_the_summary_counts_what_was_drawn_again(work: Conformers):
    frames = len(work.energy)
    assert work.summary() == GeneratedMolecule(
        frames, redrawn_atoms_too_close=sum(range(frames)), redrawn_not_converged=2 * frames, seconds=1.5
    )
