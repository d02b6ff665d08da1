"""A record with numbers of every kind."""

from __future__ import annotations

from potbench.batch import Statistics
from potbench.data_quality.leakage import Leakage
from potbench.loading.manifest import Manifest, Source
from potbench.runs.provenance import Machine, Provenance
from potbench.runs.record import Budget, Evaluation, Record, Seeds, SplitSummary, TrainingCost
from potbench.units import Quantity

PROVENANCE = Provenance(
    {"python": "3.11.7", "torch": "2.6"}, Machine("Linux", "Xeon", None, 2, None), "4c36 with changes"
)


def small_record() -> Record:
    """A run that was trained and tested."""
    return Record(
        name="runs/small",
        command="python -m potbench fit --config small.yaml",
        provenance=PROVENANCE,
        seeds=Seeds(everything=None, batches=3),
        data=Manifest(
            name="made",
            options={"molecule": "ethanol"},
            sources=(Source(file="made.h5", sha256="0123", bytes=12, changed=1_795_637_955_133_118_268),),
            num_frames=19,
            num_molecules=4,
            atomic_numbers=(1, 6, 7, 8),
            has_forces=True,
            has_time=False,
            fingerprint="data",
        ),
        split=SplitSummary("RandomSplit(train=11)", "split", 11, 4, 4, Leakage(1.0, 0.5, 0.1, None, 0, 4, 11)),
        statistics=Statistics({1: -13.6, 8: -2042.6}, 0.5, None, 11),
        metrics={"test": {"energy_mae": Quantity(0.25, "kcal/mol"), "forces_mae": Quantity(None, "kcal/mol/Å")}},
        evaluations={"test": Evaluation("runs/small/checkpoints/best.ckpt", PROVENANCE)},
        num_parameters=1234,
        cost=TrainingCost(Quantity(1e5, "frames/s"), Quantity(60.0, "s"), Quantity(512.0, "MiB")),
        budget=Budget(epochs=2, steps=6, frames=22),
        best_epoch=1,
    )
