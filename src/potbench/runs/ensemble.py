"""Runs become an ensemble, which is a run of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import yaml

from potbench.errors import RunError, SettingError
from potbench.loading import AtomsDataModule, SplitIndices
from potbench.loading.splits.ensemble import joined
from potbench.potentials.ensemble import Ensemble
from potbench.runs.allowed import NOTHING_ELSE, Allowed
from potbench.runs.ancestors import seen_by
from potbench.runs.checkpoint import load_potential
from potbench.runs.checkpoint_io import write_checkpoint
from potbench.runs.ensemble_members import MemberRun
from potbench.runs.ensemble_of import EnsembleOf
from potbench.runs.folder import RunFolder
from potbench.runs.recipe import ensemble_config, ensemble_recipe
from potbench.runs.record import Budget, Record, TrainingCost
from potbench.runs.spreads import factors_of
from potbench.runs.trained_on import TrainedOn
from potbench.units import Quantity
from potbench.whole_file import write_text


def config_of(members: Sequence[MemberRun]) -> str:
    """Return the config of the ensemble of some runs, as YAML: that of the first, with all potentials and splits.

    Raises:
        RunError: a member tests frames that another trained on, or a config is of an early version.
    """
    _sets_of(members)
    potential = ensemble_recipe(members[0].content.elements, [member.content.recipe for member in members])
    try:
        config = ensemble_config([yaml.safe_load(member.config) for member in members], potential)
    except (KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"The config of {members[0].folder.path} or of another member does not say its data, split and model as "
            f"this version of potbench writes them ({error}). Expected runs of this version. Train them again."
        ) from error
    return yaml.safe_dump(config, sort_keys=False, allow_unicode=True)


def write_ensemble(
    run: RunFolder,
    members: Sequence[MemberRun],
    config: str,
    data: AtomsDataModule,
    allowed: Allowed = NOTHING_ELSE,
) -> Record:
    """Write the folder of an ensemble, calibrated where its members set frames apart; the config comes last.

    Args:
        run: the folder; there is no run in it.
        members: see `read_members`.
        config: of the ensemble; see `config_of`.
        data: of the ensemble, set up.
        allowed: packages whose classes the checkpoints may name, beside those of potbench.

    Raises:
        RunError: the data or the split are not those that the members were trained with, or there is a run already.
        RecordError: record or split of a run that weights of members come from are damaged.
        CheckpointError, SettingError: a potential cannot be loaded.
    """
    require_new(run)
    first = members[0]
    if data.store.fingerprint != first.record.data.fingerprint:
        raise RunError(f"The data of {first.folder.path} have changed since. Expected the same files. Restore them.")
    if data.indices.fingerprint != _sets_of(members).fingerprint:
        raise RunError(
            "The splits in the configs of the members do not give the frames that they were trained on any more. "
            "Expected the same files and settings. Restore them."
        )
    potentials = [load_potential(member.folder.result, allowed) for member in members]
    ensemble = Ensemble(first.content.elements, potentials)
    if any(weight.dtype == torch.float64 for weight in ensemble.parameters()):
        ensemble.double()
    ensemble.eval()
    seen = seen_by([(member.folder, member.record) for member in members], data.store.fingerprint)
    calibration = seen.unseen(data.indices.calibration)
    factors = factors_of(ensemble, data.store, calibration)
    ensemble.energy_factor.fill_(factors.get("energy", 1.0))
    ensemble.forces_factor.fill_(factors.get("forces", 1.0))
    of = EnsembleOf(
        tuple(member.named for member in members),
        factors.get("energy"),
        factors.get("forces"),
        len(calibration) if factors else 0,
        seen.count(data.indices.test),
    )
    record = replace(
        Record.before_training(run, config, yaml.safe_load(config).get("seed_everything"), data),
        num_parameters=ensemble.num_parameters,
        budget=_budget(members),
        cost=_cost(members),
        ensemble=of,
    )
    run.create()
    write_checkpoint(
        run.best, ensemble, ensemble_recipe(ensemble.elements, [member.content.recipe for member in members])
    )
    data.indices.save(run.split)
    TrainedOn.of(data.store, data.indices.train).save(run.trained_on)
    record.save(run.path)
    write_text(run.config, config)
    return record


def require_new(run: RunFolder) -> None:
    """Raise RunError where there is a run in the folder already."""
    if run.state != "new":
        raise RunError(f"{run.path} already holds a run, and nothing is overwritten. Expected a new folder.")


def _sets_of(members: Sequence[MemberRun]) -> SplitIndices:
    try:
        return joined([SplitIndices.load(member.folder.split) for member in members])
    except SettingError as error:
        raise RunError(f"{error.problem}. Expected {error.expected}. Leave out members that were not.") from error


def _budget(members: Sequence[MemberRun]) -> Budget:
    budgets = [member.record.budget for member in members if member.record.budget is not None]
    return Budget(
        sum(each.epochs for each in budgets), sum(each.steps for each in budgets), sum(each.frames for each in budgets)
    )


def _cost(members: Sequence[MemberRun]) -> TrainingCost | None:
    """Return what all trainings took together, one after the other; None where one does not say it."""
    costs = [member.record.cost for member in members if member.record.cost is not None]
    if len(costs) < len(members):
        return None

    def total(quantities: Sequence[Quantity | None]) -> Quantity | None:
        values = [each.value for each in quantities if each is not None and each.value is not None]
        return Quantity.of(sum(values), "s") if len(values) == len(members) else None

    wall_time = total([cost.wall_time for cost in costs])
    seconds = wall_time.value if wall_time is not None else None
    memory = [cost.peak_memory.value for cost in costs if cost.peak_memory.value is not None]
    return TrainingCost(
        throughput=Quantity(_budget(members).frames / seconds if seconds else None, "frames/s"),
        wall_time=wall_time or Quantity(None, "s"),
        peak_memory=Quantity(max(memory, default=None), costs[0].peak_memory.unit),
        cpu_time=total([cost.cpu_time for cost in costs]),
        preparation=total([cost.preparation for cost in costs]),
        preparation_cpu=total([cost.preparation_cpu for cost in costs]),
    )
