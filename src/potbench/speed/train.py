"""The same training steps by the libraries' own loops and by potbench."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table
from typing_extensions import override

from potbench.loading import AtomsDataModule
from potbench.speed.ani import energy_ways, first_potential, force_ways
from potbench.speed.message_passing import NETWORKS, message_passing_ways
from potbench.speed.potbench_fit import first_batches
from potbench.speed.report import Report, describe
from potbench.speed.ways import Compared, compare
from potbench.training.memory import keep_freed_memory


@dataclass(frozen=True, kw_only=True)
class TrainReport(Report):
    """Figures of training steps, for each network those of its ways; None where it was left out.

    Args:
        freed_memory_kept: whether the C library kept freed memory for the next step.
        rounds: how many turns were timed.
        message_passing: batch_size of SchNet and PaiNN, and the sizes that are others than in SchNetPack's configs.
        energy: ANI on energies.
        energy_and_forces: ANI on energies and forces.
        schnet: SchNet on energies and forces.
        painn: PaiNN on energies and forces.
    """

    freed_memory_kept: bool
    rounds: int
    message_passing: Mapping[str, int]
    energy: list[Compared]
    energy_and_forces: list[Compared] | None
    schnet: list[Compared] | None
    painn: list[Compared] | None

    @property
    def _by_title(self) -> dict[str, list[Compared] | None]:
        return {
            "ANI on energies": self.energy,
            "ANI on energies and forces": self.energy_and_forces,
            "SchNet on energies and forces": self.schnet,
            "PaiNN on energies and forces": self.painn,
        }

    @override
    def tables(self) -> Iterator[Table]:
        for title, ways in self._by_title.items():
            if ways is None:
                continue
            table = Table(title, box=box.SIMPLE)
            table.add_column("Frames per second", justify="right")
            table.add_column("Against the first", justify="right")
            for way in ways:
                table.add_row(way.name, way.frames_per_second.text(",.0f"), way.ratio.text(".2f"))
            yield table

    @override
    def show(self) -> None:
        super().show()
        freed = "kept for the next step" if self.freed_memory_kept else "returned to the system"
        if left_out := [title for title, ways in self._by_title.items() if ways is None]:
            Console().print(f"Left out, as their steps are 0 or the data have no forces: {', '.join(left_out)}.")
        Console().print(f"Median of {self.rounds} turns (lowest to highest); freed memory is {freed}.", highlight=False)


def measure(
    data: AtomsDataModule,
    num_steps: int,
    num_force_steps: int,
    num_message_steps: int,
    num_rounds: int,
    message_batch_size: int,
    message_sizes: Mapping[str, int],
    return_memory: bool = False,
) -> TrainReport:
    """Let all ways of training each network take turns.

    Args:
        data: what is trained on; without forces, ANI alone is trained.
        num_steps: steps in a turn of ANI on energies.
        num_force_steps: steps in a turn of ANI on energies and forces; 0 leaves it out.
        num_message_steps: steps in a turn of SchNet and PaiNN; 0 leaves them out.
        num_rounds: turns that are timed.
        message_batch_size: frames in a batch of SchNet and PaiNN.
        message_sizes: their sizes, where they are to be others than in SchNetPack's configs: num_features,
            num_interactions.
        return_memory: let the C library return freed memory, as programs usually do.
    """
    # a Trainer is made for every turn, and each would say what it found
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    kept = not return_memory and keep_freed_memory()
    described = describe(data)
    potential = first_potential(data)
    compared = {"energy": compare(energy_ways(potential, data, num_steps), num_rounds)}
    has_forces = data.store.forces is not None
    if has_forces and num_force_steps:
        compared["energy_and_forces"] = compare(force_ways(potential, data, num_force_steps), num_rounds)
    if has_forces and num_message_steps:
        data.batch_size = message_batch_size
        batches = first_batches(data, num_message_steps)
        for network in NETWORKS:
            compared[network] = compare(message_passing_ways(network, data, batches, message_sizes), num_rounds)
    return TrainReport(
        data=described,
        freed_memory_kept=kept,
        rounds=num_rounds,
        message_passing={"batch_size": message_batch_size, **message_sizes},
        energy=compared["energy"],
        energy_and_forces=compared.get("energy_and_forces"),
        schnet=compared.get("schnet"),
        painn=compared.get("painn"),
    )
