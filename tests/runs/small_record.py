"""A record with numbers of every kind."""

from __future__ import annotations

from potbench.batch import Statistics
from potbench.data_quality.leakage import Leakage
from potbench.loading.manifest import Manifest, Source
from potbench.runs.evaluation import Evaluation
from potbench.runs.findings import LawFound
from potbench.runs.parent import Parent
from potbench.runs.provenance import Machine, Provenance
from potbench.runs.record import Budget, Diverged, InferenceCost, Measured, Record, Seeds, TrainingCost
from potbench.runs.split_summary import SplitSummary
from potbench.units import Quantity

PROVENANCE = Provenance(
    {"python": "3.11.7", "torch": "2.6"}, Machine("Linux", "Xeon", None, 2, None), "4c36 with changes"
)


DATA = Manifest(
    name="made",
    options={"molecule": "ethanol"},
    sources=(Source(file="made.h5", sha256="0123", bytes=12, changed=1_795_637_955_133_118_268),),
    num_frames=19,
    num_molecules=4,
    atomic_numbers=(1, 6, 7, 8),
    has_forces=True,
    has_time=False,
    fingerprint="data",
)
SPLIT = SplitSummary("RandomSplit(train=11)", "split", 11, 4, 4, Leakage(1.0, 0.5, 0.1, None, 0, 4, 11))
OTHER = Evaluation(
    "runs/other/checkpoints/best.ckpt",
    PROVENANCE,
    sha256="4567",
    command="python -m potbench test runs/small --ckpt_path runs/other/checkpoints/best.ckpt",
    settings="trainer.precision: 64-true",
    data=DATA,
    split=SPLIT,
    frames_seen=3,
    metrics={"energy_mae": Quantity(0.5, "kcal/mol")},
)
"""Of another checkpoint, other data and other settings than the run's."""


def small_record() -> Record:
    """A run that was trained and tested."""
    return Record(
        name="runs/small",
        command="python -m potbench fit --config small.yaml",
        provenance=PROVENANCE,
        seeds=Seeds(everything=None, batches=3),
        data=DATA,
        split=SPLIT,
        statistics=Statistics({1: -13.6, 8: -2042.6}, 0.5, None, 11),
        metrics={"test": {"energy_mae": Quantity(0.25, "kcal/mol"), "forces_mae": Quantity(None, "kcal/mol/Å")}},
        evaluations={
            "test": Evaluation(
                "runs/small/checkpoints/best.ckpt", PROVENANCE, sha256="0123", command="test runs/small"
            ),
            "test_made_best_1a2b3c4d": OTHER,
        },
        num_parameters=1234,
        parent=Parent("runs/parent", "runs/parent/checkpoints/best.ckpt", "89ab", "made", "data", ("readout",), 0),
        cost=TrainingCost(
            Quantity(1e5, "frames/s"),
            Quantity(60.0, "s"),
            Quantity(512.0, "MiB"),
            Quantity(90.0, "s"),
            Quantity(2.5, "s"),
            captured_steps=4,
            compiled_steps=5,
        ),
        budget=Budget(epochs=2, steps=6, frames=22),
        best_epoch=1,
        diverged=Diverged(2, 9, "The loss is NaN"),
        inference=InferenceCost(
            latency=Measured(2.5, 2.25, 3.0, "ms"),
            throughput=Measured(25.0, 24.0, 31.0, "µs/atom"),
            frames_at_once=64,
            peak_memory=Quantity(12.5, "MiB"),
            structures=100,
            provenance=PROVENANCE,
        ),
        laws=(
            LawFound("shift", "pass", 1e-12, 1e-8, "eV or eV/Å"),
            LawFound("rotation", "FAIL", None, 1e-8, "eV or eV/Å"),
            LawFound("single atom", "refused", None, 1e-8, "eV/Å"),
        ),
    )
