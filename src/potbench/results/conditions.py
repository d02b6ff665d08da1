"""Conditions of a fair comparison that each training meets by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from potbench.reporting.page.content import Level
from potbench.results.member import Member

BUDGETS = {
    "steps": "optimizer steps",
    "epochs": "passes over the training frames",
    "frames": "frames trained on",
}


class Condition(NamedTuple):
    """What should be the same for all trainings of a table.

    Attributes:
        says: the condition.
        of: a training → its value, as text; None where it does not apply to it.
        level: of the banner where it does not hold; None for none.
    """

    says: str
    of: Callable[[Member], str | None]
    level: Level | None = "amber"


def budget_conditions(rule: str | None) -> list[Condition]:
    """Return the condition on the budget: of a study, the rule that it names."""

    def counted(name: str) -> Callable[[Member], str | None]:
        def of(member: Member) -> str | None:
            budget = member.known.budget
            if budget is None or not _is_stepped(member):
                return None
            return f"{getattr(budget, name):,} {BUDGETS[name]}"

        return of

    if rule in ("steps", "epochs", "frames"):
        return [Condition(f"Same number of {BUDGETS[rule]}", counted(rule), "red")]
    if rule == "wall_time":
        return []  # measured, and never the same to the second
    level: Level = "red" if rule == "as_given" else "amber"
    return [Condition(f"Same number of {BUDGETS[counts]}", counted(counts), level) for counts in ("steps", "frames")]


def _is_stepped(member: Member) -> bool:
    if member.known.ensemble is not None:  # its config has no optimizer, and its budget is that of its members
        return member.known.budget is not None and member.known.budget.steps > 0
    return member.choices is None or member.choices.learning_rate is not None


def batches_of_step(member: Member) -> tuple[int, int] | None:
    """Return the frames of a batch, and the batches of an optimizer step; None where the config does not say."""
    if member.choices is None:
        return None
    size = member.choices.trainer.get("batch_size")
    accumulated = member.choices.trainer.get("accumulate_grad_batches") or 1
    return (size, accumulated) if isinstance(size, int) and isinstance(accumulated, int) else None


def _frames_of_step(member: Member) -> str | None:
    found = batches_of_step(member)
    return None if found is None or not _is_stepped(member) else f"{found[0] * found[1]:,} frames"


def _batches_of_epoch(member: Member) -> str | None:
    """Return which part of the batches an epoch has: a float is a fraction of all, a whole number so many."""
    if member.choices is None:
        return None
    overfit = member.choices.trainer.get("overfit_batches") or None  # 0 is for none
    limit = overfit if overfit is not None else member.choices.trainer.get("limit_train_batches")
    if limit is None or (isinstance(limit, float) and limit == 1):
        return "all batches"
    return f"{limit:.3g} of the batches" if isinstance(limit, float) else f"{limit} batches"


def _order(member: Member) -> str | None:
    if member.choices is None or not _is_stepped(member):
        return None
    return "at random" if member.choices.trainer.get("shuffle", True) else "in the order of the dataset"


def _warm_start(member: Member) -> str:
    parents = member.known.parents
    named = {Path(each.checkpoint).name if each.run is None else each.data or "another run" for each in parents}
    return f"weights of {', '.join(sorted(named))}" if named else "new weights"


def _checkpoint(member: Member) -> str | None:
    test = member.known.evaluations.get("test")
    if test is None or test.checkpoint is None:
        return None
    return "the best by validation" if test.checkpoint.endswith("best.ckpt") else "the last, not chosen by validation"


def _precision(member: Member) -> str | None:
    return str(member.choices.trainer.get("precision") or "32-true") if member.choices else None


def _matrix_products(member: Member) -> str | None:
    return member.known.provenance.machine.matrix_products


def _deterministic(member: Member) -> str | None:
    if member.choices is None:
        return None
    return "deterministic" if member.choices.trainer.get("deterministic") else "not forced to be deterministic"


def _threads(member: Member) -> str:
    machine = member.known.provenance.machine
    return machine.accelerator or f"{machine.threads} thread{'s' if machine.threads > 1 else ''}"


def _learning_rate(member: Member) -> str | None:
    rate = member.choices and member.choices.learning_rate
    return None if rate is None else f"{float(str(rate)):g}"


def _loss(member: Member) -> str | None:
    return (member.choices and member.choices.loss_weights) or None


def _version(member: Member) -> str:
    provenance = member.known.provenance
    commit = (provenance.git_commit or "no commit")[:8]
    torch = provenance.versions.get("torch")
    return f"potbench {provenance.versions.get('potbench')} ({commit}), torch {torch}"


def _validation_frames(member: Member) -> str:
    return f"{member.known.split.validation:,} frames"


CONDITIONS = (
    Condition("Same number of frames in an optimizer step", _frames_of_step),
    Condition("Same part of the batches in each epoch", _batches_of_epoch),
    Condition("Batches in the same order", _order),
    Condition("No warm start", _warm_start),
    Condition("Same choice of the checkpoint", _checkpoint),
    Condition("As many validation frames", _validation_frames),
    Condition("Same precision", _precision),
    Condition("Same precision of matrix products (tf32 where it is not highest)", _matrix_products),
    Condition("Same determinism", _deterministic, "note"),
    Condition("Same threads or device", _threads, "note"),
    Condition("Same learning rate", _learning_rate, "note"),
    Condition("Same weights of the loss", _loss, "note"),
    Condition("Same version of potbench and torch", _version, "note"),
)
