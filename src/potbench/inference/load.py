"""Trained potentials by the folder of their run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from potbench.errors import SettingError
from potbench.potentials.ensemble import Ensemble
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.potential import Potential
from potbench.potentials.repulsion import Repulsion
from potbench.potentials.sum_over_atoms import SumOverAtoms
from potbench.runs.allowed import Allowed
from potbench.runs.checkpoint import load_potential
from potbench.runs.ensemble_members import require_apart, require_same_labels
from potbench.runs.folder import RunFolder
from potbench.runs.record import Record
from potbench.runs.trained_on import TrainedOn

PRECISIONS = (torch.float32, torch.float64)


def load(
    run: Path | str | Sequence[Path | str],
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    allow: Sequence[str] = (),
    repulsion: bool = False,
) -> Potential:
    """Load a trained potential, ready to predict.

    Nothing that a checkpoint holds is run: it is read as weights and plain values.

    Args:
        run: folder of a run, whose best checkpoint is taken, or a checkpoint; several of them are an ensemble, whose
            spread is not calibrated, unlike that of the folder that `python -m potbench ensemble` writes.
        device: where to compute; a single small molecule is mostly faster on the CPU than on a GPU.
        dtype: torch.float32 or torch.float64; by default that in which it was trained.
        allow: packages that you trust, whose classes the checkpoint may name beside those of potbench.
        repulsion: whether nuclei repel each other at distances below those of the training set, also in a potential
            that was trained without; nothing changes at others. See `potbench.potentials.repulsion.Repulsion`.

    Returns:
        The potential in evaluation mode. It knows the training set of its run, as far as predictions are judged by it.

    Raises:
        RunError: the folder is no run, or has no checkpoint yet; or members of an ensemble have the same weights.
        CheckpointError: the checkpoint is damaged, or its potential cannot be built.
        SettingError: there is no such device or precision, the checkpoint names classes of other packages, no repulsion
            can be added, or the members of an ensemble do not belong together.
    """
    if not isinstance(run, Path | str):
        return _ensemble([load(each, device, dtype, allow, repulsion) for each in run], run)
    if dtype not in {None, *PRECISIONS}:
        raise SettingError(load, "dtype", dtype, "torch.float32 or torch.float64")
    place = _device(device)
    file = Path(run)
    folder = _folder(file)
    if file == folder.path:
        folder.require()
        file = folder.checkpoint(str(folder.result))
    potential = load_potential(file, Allowed(tuple(allow)), dtype).to(place)
    shortest = None
    if folder.checkpoints == file.parent and folder.trained_on.is_file():
        trained_on = TrainedOn.load(folder.trained_on)
        potential.trained_on, shortest = trained_on.environments, trained_on.shortest_distances
    if repulsion:
        _add_repulsion(potential, shortest, file)
    return potential


def _add_repulsion(potential: Potential, shortest: Mapping[str, float] | None, file: Path) -> None:
    for part in potential if isinstance(potential, Ensemble) else [potential]:
        if part.repulsion is not None:
            continue
        if not isinstance(part, SumOverAtoms):
            problem = f"{type(part).__name__} has no energies of atoms, to which repulsion is added"
            raise SettingError(load, "repulsion", True, "False", problem)
        if shortest is None:
            problem = f"The run of {file} keeps no shortest distances of its training set, as earlier versions did not"
            expected = "False, or a run of this version, perhaps trained with its repulsion"
            raise SettingError(load, "repulsion", True, expected, problem)
        part.repulsion = Repulsion(part.elements).to(part.device)
        part.repulsion.narrow(shortest)


def _ensemble(members: Sequence[Potential], runs: Sequence[Path | str]) -> Ensemble:
    folders = [folder for folder in map(_folder, runs) if folder.record.is_file()]
    require_same_labels([(folder, Record.load(folder.path)) for folder in folders])
    require_apart([(run, member.state_dict()) for run, member in zip(runs, members, strict=True)])
    ensemble = Ensemble(members[0].elements if members else [], list(members))
    if any(member.positions(torch.zeros(1)).dtype == torch.float64 for member in members):
        ensemble.double()
    known = [member.trained_on for member in members if member.trained_on is not None]
    ensemble.trained_on = TrainedEnvironments.joined(known) if len(known) == len(members) else None
    return ensemble.eval()


def _folder(run: Path | str) -> RunFolder:
    file = Path(run)
    return RunFolder(file if file.is_dir() or not file.suffix else file.parent.parent)


def _device(device: torch.device | str) -> torch.device:
    """Return a device that is there and has float64.

    Raises:
        SettingError: there is none.
    """
    try:
        place = torch.device(device)
        torch.zeros(1, dtype=torch.float64, device=place)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        problem = f"The device {device} cannot be used here ({reason})"
        raise SettingError(load, "device", str(device), "cpu, cuda or cuda:0 and so on", problem) from error
    return place
