"""The scripts of configs/cluster, submitted as they are; options of sbatch make them small."""

from pathlib import Path

import pytest
import torch

from tests.slurm.conftest import RUN, Submit, assert_same, fit, metrics, record, weights

pytestmark = [pytest.mark.slurm, pytest.mark.slow]
TWO_TASKS = ("--nodes=1", "--ntasks-per-node=2", "--gpus-per-node=2")


def test_two_tasks_train_as_one_process(tmp_path: Path, submit: Submit) -> None:
    # double precision, since Adam's first steps turn the rounding of small gradients into whole steps
    arguments = (*RUN, "--trainer.precision", "64-true", "--trainer.max_epochs", "2")
    arguments = (*arguments, "--model.init_args.potential.init_args.readout.init_args.dropout", "0")
    job = submit("one_node.sh", tmp_path / "two", *arguments, options=TWO_TASKS)
    one = fit(tmp_path / "one", *arguments)
    assert job.ends(), job.printed
    assert record(tmp_path / "two")["budget"] == record(one)["budget"]
    for name, expected in record(one)["metrics"]["validation"].items():
        found = record(tmp_path / "two")["metrics"]["validation"][name]["value"]
        assert found == pytest.approx(expected["value"], rel=1e-7), name
    assert job.printed.count("Run folder:") == 1


def test_array_gives_each_seed_its_own_run(tmp_path: Path, submit: Submit) -> None:
    job = submit("seeds.sh", tmp_path / "runs", *RUN, "--trainer.max_epochs", "1", options=("--array=3-4",))
    assert job.ends(), job.printed
    three, four = runs = [tmp_path / "runs" / f"seed_{seed}" for seed in (3, 4)]
    assert [record(run)["seeds"]["everything"] for run in runs] == [3, 4]
    assert record(three)["split"]["fingerprint"] == record(four)["split"]["fingerprint"]
    assert not all(torch.equal(value, weights(four)[name]) for name, value in weights(three).items())
    assert metrics(three) != metrics(four)
    assert_same(three, fit(tmp_path / "alone", *RUN, "--trainer.max_epochs", "1", "--seed_everything", "3"))
