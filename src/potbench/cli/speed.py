"""python -m potbench speed: benchmarks side by side with the libraries' own way, in one run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from potbench.errors import MissingDataError, SettingError, require_new_file

if TYPE_CHECKING:
    from potbench.loading import AtomsDataModule
    from potbench.speed.report import Report

HEAVY_ATOMS = (1, 2)
FEWEST_SIMULATED = 10


def data(
    dataset_config: Path | None = None,
    ani1: Path | None = None,
    heavy_atoms: tuple[int, ...] = HEAVY_ATOMS,
    batch_size: int = 2048,
    passes: int = 9,
    frames: int = 20_000_000,
    batches: int = 200,
    json: Path | None = None,
) -> None:
    """Measure the speed of the loader, and what millions of frames cost.

    Frames per second of the DataModule, one batch after the other and nothing else done; then opening, dividing and
    drawing from a simulated store of millions of frames, in a process of its own. The store is a sparse file in a
    temporary folder; TMPDIR says where.

    Args:
        dataset_config: a file such as configs/data/ani1.yaml; without one and without ani1, the sample is used.
        ani1: folder of the ani_gdb_sNN.h5 files.
        heavy_atoms: which of them to read, by the number of heavy atoms.
        batch_size: frames in a batch.
        passes: passes over the training set that are timed.
        frames: frames of the simulated store; 0 leaves it out.
        batches: batches drawn from it.
        json: file to write the figures to.
    """
    _at_least(data, 1, batch_size=batch_size, passes=passes, batches=batches)
    require_new_file(data, json=json)
    _simulated(data, frames)
    chosen = _data(data, dataset_config, ani1, heavy_atoms, batch_size)

    from potbench.speed import data as benchmark
    from potbench.speed.report import describe

    print(describe(chosen), flush=True)
    _finish(benchmark.measure(chosen, passes, frames, batches), json)


def prepare(
    dataset_config: Path | None = None,
    ani1: Path | None = None,
    heavy_atoms: tuple[int, ...] = HEAVY_ATOMS,
    turns: int = 5,
    database_frames: int = 2000,
    frames: int = 5_000_000,
    json: Path | None = None,
) -> None:
    """Compare the speed of converting files with that of filling an ASE database.

    Frames per second of `data prepare` and of filling an ASE database as SchNetPack does, in turns; then the memory
    that converting a simulated file of millions of frames takes, in a process of its own.

    Args:
        dataset_config: a file such as configs/data/ani1.yaml; without one and without ani1, the sample is used.
        ani1: folder of the ani_gdb_sNN.h5 files.
        heavy_atoms: which of them to read, by the number of heavy atoms.
        turns: turns that are timed.
        database_frames: frames that fill the database, spread over all molecules.
        frames: frames of the simulated file; 0 leaves it out.
        json: file to write the figures to.
    """
    _at_least(prepare, 1, turns=turns, database_frames=database_frames)
    require_new_file(prepare, json=json)
    _simulated(prepare, frames)
    dataset = _data(prepare, dataset_config, ani1, heavy_atoms, batch_size=1).dataset

    from potbench.speed import prepare as benchmark

    _finish(benchmark.measure(dataset, turns, database_frames, frames), json)


def train(
    dataset_config: Path | None = None,
    ani1: Path | None = None,
    heavy_atoms: tuple[int, ...] = HEAVY_ATOMS,
    batch_size: int = 2048,
    steps: int = 8,
    force_steps: int = 2,
    message_steps: int = 8,
    message_batch_size: int = 32,
    message_features: int | None = None,
    message_interactions: int | None = None,
    rounds: int = 7,
    threads: int | None = None,
    return_memory: bool = False,
    json: Path | None = None,
) -> None:
    """Time training steps by the libraries' own loops and by potbench.

    The steps are the same (Adam, mean squared error); potbench does them as `fit` does, loading included. TorchANI's
    loop, whose padded batches are in memory, trains ANI (AEV, one 384-128-1 network with ReLU per element);
    SchNetPack's, which reads a database, trains SchNet and PaiNN of the sizes of SchNetPack's configs. The ways take
    turns, and their losses are compared step by step before the figures are shown.

    Args:
        dataset_config: a file such as configs/data/ani1.yaml; without one and without ani1, the sample is used.
        ani1: folder of the ani_gdb_sNN.h5 files.
        heavy_atoms: which of them to read, by the number of heavy atoms.
        batch_size: frames in a batch of ANI.
        steps: steps in a turn on energies.
        force_steps: steps in a turn on energies and forces; 0 for none.
        message_steps: steps in a turn of SchNet and PaiNN; 0 for none.
        message_batch_size: frames in a batch of SchNet and PaiNN.
        message_features: features of SchNet and PaiNN; by default 128.
        message_interactions: interactions; by default 6 of SchNet and 3 of PaiNN.
        rounds: turns that are timed.
        threads: threads of torch; by default torch's choice.
        return_memory: let the C library return freed memory, as programs usually do.
        json: file to write the figures to.
    """
    require_new_file(train, json=json)
    _at_least(train, 0, force_steps=force_steps, message_steps=message_steps)
    _at_least(train, 1, batch_size=batch_size, steps=steps, message_batch_size=message_batch_size, rounds=rounds)
    _at_least(train, 1, message_interactions=message_interactions, threads=threads)
    _at_least(train, 2, message_features=message_features)  # the readout has half as many

    import torch

    if threads:
        torch.set_num_threads(threads)
    chosen = _data(train, dataset_config, ani1, heavy_atoms, batch_size)

    from potbench.speed import train as benchmark
    from potbench.speed.report import describe

    print(describe(chosen), flush=True)
    sizes = {"num_features": message_features, "num_interactions": message_interactions}
    report = benchmark.measure(
        chosen,
        num_steps=steps,
        num_force_steps=force_steps,
        num_message_steps=message_steps,
        num_rounds=rounds,
        message_batch_size=message_batch_size,
        message_sizes={name: size for name, size in sizes.items() if size},
        return_memory=return_memory,
    )
    _finish(report, json)


def inference(
    calls: int = 50,
    rounds: int = 9,
    threads: int = 1,
    graph_pes: Path | None = None,
    mace: Path | None = None,
    json: Path | None = None,
) -> None:
    """Time single molecules by the libraries' calculators of ASE and by that of potbench.

    TorchANI's calculator of ANI, SchNetPack's of SchNet and PaiNN, and sGDML's predictor, beside potbench's with the
    same weights, for ethanol and aspirin. Atoms move before each call. The calculators take turns; their forces are
    compared before. Beside graph-pes' SchNet and PaiNN, of the same sizes, and MACE, are potbench's SchNet, PaiNN and
    hybrid network; these libraries run in processes of the environments that have them.

    Args:
        calls: calls in a turn.
        rounds: turns that are timed.
        threads: threads of torch.
        graph_pes: python of an environment that has graph-pes; by default it is left out.
        mace: python of an environment that has mace-torch; by default it is left out.
        json: file to write the figures to.
    """
    require_new_file(inference, json=json)
    _at_least(inference, 1, calls=calls, rounds=rounds, threads=threads)

    import torch

    torch.set_num_threads(threads)

    from potbench.speed import inference as benchmark
    from potbench.speed.rivals import started

    given = {"SchNet": graph_pes, "PaiNN": graph_pes, "MACE": mace}
    with ExitStack() as running:
        rivals = {
            network: running.enter_context(
                started(network, python, inference, "mace" if network == "MACE" else "graph_pes", threads)
            )
            for network, python in given.items()
            if python
        }
        _finish(benchmark.measure(calls, rounds, rivals), json)


def _at_least(command: Callable[..., None], smallest: int, **settings: int | None) -> None:
    """Raise SettingError unless numbers are large enough; None is a number left out."""
    for name, value in settings.items():
        if value is not None and value < smallest:
            raise SettingError(command, name, value, f"at least {smallest}")


def _simulated(command: Callable[..., None], frames: int) -> None:
    """Raise SettingError where the memory that simulated frames take cannot be measured."""
    _at_least(command, 0, frames=frames)
    if 0 < frames < FEWEST_SIMULATED:
        raise SettingError(command, "frames", frames, f"0, or at least {FEWEST_SIMULATED}, which are divided into sets")
    from potbench.speed.process_memory import STATUS

    if frames and not STATUS.is_file():
        problem = f"There is no {STATUS} to read memory from, as there is on Linux alone"
        raise SettingError(command, "frames", frames, "0 on other systems", problem)


def _data(
    command: Callable[..., None], config: Path | None, ani1: Path | None, heavy_atoms: tuple[int, ...], batch_size: int
) -> AtomsDataModule:
    """Return the DataModule that the arguments of a command choose, set up."""
    from potbench.cli.parsing import Parser
    from potbench.cli.places import Keys
    from potbench.cli.refusals import refusals
    from potbench.datasets import ANI1, Sample
    from potbench.loading import AtomsDataModule

    if ani1 is None and tuple(heavy_atoms) != HEAVY_ATOMS:
        problem = "heavy_atoms chooses among the files of ANI-1, and ani1 does not say where they are"
        raise SettingError(command, "heavy_atoms", list(heavy_atoms), "ani1 beside it", problem)
    if config is None:
        dataset = ANI1(ani1, list(heavy_atoms)) if ani1 else Sample()
        try:
            return _set_up(AtomsDataModule(dataset, batch_size=batch_size))
        except MissingDataError as error:
            expected = "the folder of the ani_gdb_sNN.h5 files"
            raise SettingError(command, "ani1", str(ani1), expected, error.problem) from error
    if ani1:
        raise SettingError(command, "ani1", str(ani1), "one of them", "ani1 and dataset_config both choose the data")
    parser = Parser(prog=f"python -m potbench speed {command.__name__}")
    parser.add_subclass_arguments(AtomsDataModule, "dataset_config")
    settings = parser.parse_args([f"--dataset_config={config}", f"--dataset_config.init_args.batch_size={batch_size}"])
    with refusals(lambda: Keys(settings, config)):
        return _set_up(parser.instantiate(settings).dataset_config)


def _set_up(data: AtomsDataModule) -> AtomsDataModule:
    data.prepare_data()
    data.setup("fit")
    return data


def _finish(report: Report, json: Path | None) -> None:
    """Show the figures, and write them where a file is given."""
    report.show()
    if json:
        report.save(json)
