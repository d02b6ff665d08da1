from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potbench.errors import SettingError
from potbench.loading.sampler import MOST_ATOMS, EvaluationSampler, GlobalBatchSampler

FRAMES = np.random.default_rng(0).permutation(500)[:103]


def epoch(number: int, frames=FRAMES, batch_size=16, seed: int | None = 0, **where) -> list[list[int]]:
    sampler = GlobalBatchSampler(frames, batch_size, seed, **where)
    sampler.set_epoch(number)
    batches = [batch.tolist() for batch in sampler]
    assert len(batches) == len(sampler)
    return batches


@given(st.integers(1, 300), st.integers(1, 400), st.sampled_from([None, 0, 5]), st.integers(0, 9))
def test_every_frame_comes_once_per_epoch(num_frames, batch_size, seed, number):
    frames = np.arange(num_frames) * 3
    batches = epoch(number, frames, batch_size, seed)
    assert sorted(frame for batch in batches for frame in batch) == frames.tolist()
    assert max(len(batch) for batch in batches) <= batch_size


@given(st.integers(1, 300), st.integers(1, 400))
def test_batches_have_the_same_size_give_or_take_one(num_frames, batch_size):
    sizes = [len(batch) for batch in epoch(0, np.arange(num_frames), batch_size)]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(2, 300), st.integers(1, 100), st.integers(2, 8), st.integers(0, 3))
def test_global_batches_do_not_depend_on_the_number_of_processes(num_frames, batch_size, world_size, number):
    frames = np.arange(num_frames)
    whole = epoch(number, frames, batch_size)
    if min(len(batch) for batch in whole) < world_size:
        with pytest.raises(SettingError, match="processes without any"):
            GlobalBatchSampler(frames, batch_size, 0, 0, world_size)
        return
    shares = [epoch(number, frames, batch_size, rank=rank, world_size=world_size) for rank in range(world_size)]
    for batch, *pieces in zip(whole, *shares, strict=True):
        assert sorted(batch) == sorted(frame for piece in pieces for frame in piece)
        assert max(map(len, pieces)) - min(map(len, pieces)) <= 1


def test_every_epoch_has_an_order_of_its_own():
    assert len({str(epoch(number)) for number in range(10)}) == 10


def test_an_epoch_has_the_same_order_whatever_came_before():
    sampler = GlobalBatchSampler(FRAMES, 16, 0)
    for number in (0, 1, 2, 3):
        sampler.set_epoch(number)
        passed = [batch.tolist() for batch in sampler]
    assert passed == epoch(3)


def test_another_seed_has_another_order():
    assert len({str(epoch(0, seed=seed)) for seed in range(10)}) == 10


def test_the_order_does_not_touch_the_global_random_state():
    np.random.seed(0)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    epoch(0)
    assert np.random.rand() == expected  # noqa: NPY002


def test_without_a_seed_the_order_is_that_of_the_frames():
    assert [frame for batch in epoch(3, seed=None) for frame in batch] == FRAMES.tolist()


def test_the_frames_given_stay_as_they_are():
    before = FRAMES.copy()
    epoch(0)
    np.testing.assert_array_equal(FRAMES, before)


def test_a_process_without_work_is_refused():
    with pytest.raises(SettingError) as caught:
        GlobalBatchSampler(np.arange(10), 4, world_size=4)
    assert str(caught.value) == (
        "10 frames in batches of 4 leave some of 4 processes without any. Expected a frame of each batch for each of "
        "them: larger batches or fewer processes. Change the argument batch_size of GlobalBatchSampler."
    )


@pytest.mark.parametrize("batches", [0, 1, 5, 6])
def test_a_sampler_that_begins_within_an_epoch_leaves_out_what_was_trained(batches):
    resumed = GlobalBatchSampler(FRAMES, 16, 0)
    resumed.begin_at(epoch=3, batches=batches)
    assert [batch.tolist() for batch in resumed] == epoch(3)[batches:]
    resumed.set_epoch(4)
    assert [batch.tolist() for batch in resumed] == epoch(4)


def test_a_sampler_that_begins_at_the_end_of_an_epoch_begins_the_next():
    resumed = GlobalBatchSampler(FRAMES, 16, 0)
    resumed.begin_at(epoch=3, batches=len(resumed))
    assert [batch.tolist() for batch in resumed] == epoch(4)


def evaluated(atoms: list[int], batch_size: int, world_size: int = 1) -> list[list[list[int]]]:
    """For each batch the share of each process."""
    frames = np.arange(len(atoms)) * 3
    ranks = range(world_size)
    samplers = [EvaluationSampler(frames, np.array(atoms), batch_size, rank, world_size) for rank in ranks]
    batches = list(zip(*samplers, strict=True))
    assert [len(sampler) for sampler in samplers] == [len(batches)] * world_size
    return [[share.tolist() for share in batch] for batch in batches]


@given(st.lists(st.integers(1, 200), min_size=1, max_size=80), st.integers(1, 30))
def test_evaluation_batches_have_every_frame_in_order_and_few_atoms(atoms, batch_size):
    batches = [frames for (frames,) in evaluated(atoms, batch_size)]
    assert [frame for batch in batches for frame in batch] == list(range(0, 3 * len(atoms), 3))
    for batch in batches:
        assert len(batch) == 1 or sum(atoms[frame // 3] for frame in batch) <= batch_size * MOST_ATOMS


@given(st.lists(st.integers(1, MOST_ATOMS), min_size=1, max_size=80), st.integers(1, 30))
def test_evaluation_batches_of_small_molecules_are_as_large_as_they_were(atoms, batch_size):
    of_any = epoch(0, np.arange(len(atoms)) * 3, batch_size, None)
    assert [frames for (frames,) in evaluated(atoms, batch_size)] == of_any


@given(st.lists(st.integers(1, 200), min_size=6, max_size=80), st.integers(6, 30), st.integers(2, 3))
def test_every_process_has_a_share_of_every_evaluation_batch(atoms, batch_size, world_size):
    batches = evaluated(atoms, batch_size, world_size)
    assert all(share for batch in batches for share in batch)
    together = [frame for batch in batches for frame in sorted(itertools.chain(*batch))]
    assert together == list(range(0, 3 * len(atoms), 3))


def test_a_large_molecule_makes_the_batches_beside_it_no_smaller():
    assert [len(frames) for (frames,) in evaluated([10] * 20 + [200], 7)] == [7, 7, 3, 2, 2]
