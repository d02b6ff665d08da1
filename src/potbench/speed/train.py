"""python -m potbench speed train: the same training steps by the libraries' own loops and by potbench."""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from potbench.speed.options import add_data_options, at_least, chosen_data, describe

if TYPE_CHECKING:
    from potbench.batch import Batch
    from potbench.loading import AtomsDataModule
    from potbench.potentials import AtomicPotential
    from potbench.speed.ways import Way

DESCRIPTION = """The same training steps (Adam, mean squared error) by the libraries' own loops and by potbench as `fit`
runs it, loading included. ANI (AEV, one 384-128-1 network with ReLU per element) by TorchANI's loop, whose padded
batches lie ready in memory; SchNet and PaiNN, of the sizes of SchNetPack's configs, by SchNetPack's, which reads a
database. The ways take turns; before the figures are shown, their losses are compared step by step."""
TITLES = {
    "energy": "ANI on energies",
    "energy_and_forces": "ANI on energies and forces",
    "schnet": "SchNet on energies and forces",
    "painn": "PaiNN on energies and forces",
}


def run(words: list[str]) -> None:
    """Run the command.

    Args:
        words: its options.
    """
    parser = argparse.ArgumentParser("python -m potbench speed train", description=DESCRIPTION)
    add_data_options(parser)
    parser.add_argument(
        "--steps", type=at_least(1), default=8, metavar="N", help="steps in a turn on energies (default: 8)"
    )
    parser.add_argument(
        "--force-steps",
        type=at_least(0),
        default=2,
        metavar="N",
        help="steps in a turn on forces, 0 for none (default: 2)",
    )
    parser.add_argument(
        "--message-steps",
        type=at_least(0),
        default=8,
        metavar="N",
        help="steps in a turn of SchNet and PaiNN, 0 for none (default: 8)",
    )
    parser.add_argument(
        "--message-batch-size",
        type=at_least(1),
        default=32,
        metavar="N",
        help="frames in a batch of SchNet and PaiNN (default: 32)",
    )
    parser.add_argument(
        "--message-features", type=at_least(2), metavar="N", help="features of SchNet and PaiNN (default: 128)"
    )
    parser.add_argument(
        "--message-interactions",
        type=at_least(1),
        metavar="N",
        help="exchanges of messages (default: 6 of SchNet, 3 of PaiNN)",
    )
    parser.add_argument("--rounds", type=at_least(1), default=7, metavar="N", help="turns that are timed (default: 7)")
    parser.add_argument("--threads", type=at_least(1), metavar="N", help="threads of torch (default: torch's choice)")
    parser.add_argument(
        "--return-memory", action="store_true", help="let the C library return freed memory, as programs usually do"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the figures")
    options = parser.parse_args(words)

    import torch

    from potbench.runs.provenance import machine, versions
    from potbench.speed.ways import compare
    from potbench.training.memory import keep_freed_memory

    # a Trainer is made for every turn, and each would say what it found
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    if options.threads:
        torch.set_num_threads(options.threads)
    kept = not options.return_memory and keep_freed_memory()
    data = chosen_data(options)
    print(describe(data), flush=True)
    potential = first_potential(data)
    sizes = {"num_features": options.message_features, "num_interactions": options.message_interactions}
    sizes = {name: size for name, size in sizes.items() if size}
    comparisons = {"energy": compare(energy_ways(potential, data, options.steps), options.rounds)}
    if options.force_steps and data.store.forces is not None:
        comparisons["energy_and_forces"] = compare(force_ways(potential, data, options.force_steps), options.rounds)
    if options.message_steps and data.store.forces is not None:
        from potbench.speed.message_passing import NETWORKS, message_passing_ways

        data.batch_size = options.message_batch_size
        batches = list(islice(_batches(data), options.message_steps))
        for name in NETWORKS:
            comparisons[name] = compare(message_passing_ways(name, data, batches, sizes), options.rounds)
    results = {
        "machine": machine(),
        "versions": versions(),
        "data": describe(data),
        "freed_memory_kept": kept,
        "rounds": options.rounds,
        "message_passing": {"batch_size": options.message_batch_size, **sizes},
        **{name: [way.as_dict() for way in ways] for name, ways in comparisons.items()},
    }
    show(results)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")


def first_potential(data: AtomsDataModule) -> AtomicPotential:
    """The network that every way trains, with the weights that every way starts from."""
    import torch

    from potbench.potentials import AtomicPotential
    from potbench.readouts import FeedForward
    from potbench.representations import AEV

    torch.manual_seed(0)
    potential = AtomicPotential(
        data.elements,
        AEV,
        lambda elements, num_features: FeedForward(elements, num_features, [128], torch.nn.ReLU),
        scale=1.0,  # TorchANI's loop has none
    )
    potential.adapt(data.statistics)
    return potential.to("cuda" if torch.cuda.is_available() else "cpu")


def energy_ways(potential: AtomicPotential, data: AtomsDataModule, num_steps: int) -> list[Way]:
    """TorchANI's loop, potbench computing features at every step, and potbench with kept features."""
    from potbench.speed.potbench_fit import PotbenchFit
    from potbench.speed.torchani_loop import TorchANILoop
    from potbench.training.feature_cache.on_disk import cache_file, fill, on_disk

    file = cache_file(data.store, potential)
    if not file.is_file():
        fill(file, data.store, potential)
    cached = on_disk(file, data.store)
    return [
        TorchANILoop(potential, list(islice(_batches(data), num_steps)), forces=False),
        PotbenchFit("potbench", potential, data, num_steps),
        PotbenchFit("potbench, cached features", potential, data, num_steps, cached=cached),
    ]


def force_ways(potential: AtomicPotential, data: AtomsDataModule, num_steps: int) -> list[Way]:
    """TorchANI's loop, potbench computing features at every step, and potbench with kept features and derivatives."""
    import numpy as np

    from potbench.speed.potbench_fit import PotbenchFit
    from potbench.speed.torchani_loop import TorchANILoop
    from potbench.training.feature_cache.in_memory import in_memory

    batches = list(islice(_batches(data), num_steps))
    frames = np.unique(np.concatenate([batch.frame.numpy() for batch in batches]))
    cached = in_memory(data.store, frames, potential)
    return [
        TorchANILoop(potential, batches, forces=True),
        PotbenchFit("potbench", potential, data, num_steps, forces=True),
        PotbenchFit("potbench, cached derivatives", potential, data, num_steps, forces=True, cached=cached),
    ]


def _batches(data: AtomsDataModule) -> Iterator[Batch]:
    """The batches of a run, epoch after epoch."""
    loader = data.train_dataloader()
    for epoch in count():
        loader.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
        yield from loader


def show(results: Mapping[str, Any]) -> None:
    """Print the figures as tables."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    from potbench.speed.report import machine_line
    from potbench.speed.spread import Spread

    console = Console()
    for name, title in TITLES.items():
        if name not in results:
            continue
        table = Table(title, box=box.SIMPLE)
        table.add_column("Frames per second", justify="right")
        table.add_column("Against the first", justify="right")
        for way in results[name]:
            speed, ratio = Spread(**way["frames_per_second"]), Spread(**way["ratio"])
            table.add_row(way["name"], speed.text(",.0f"), ratio.text(".2f"))
        console.print(table)
    console.print(machine_line(results), highlight=False)
    kept = "kept for the next step" if results["freed_memory_kept"] else "returned to the system"
    console.print(f"Median of {results['rounds']} turns (lowest to highest); freed memory is {kept}.", highlight=False)
