"""Records of format 1, which potbench wrote before version 0.2."""

from __future__ import annotations

from typing import Any

from potbench.runs.recipe import as_text

DEFAULT_SPLIT = {"class_path": "potbench.loading.RandomSplit"}
MOVED = {
    "provenance": ("versions", "machine", "git_commit"),
    "cost": ("throughput", "wall_time", "peak_memory"),
}


def from_format_1(record: dict[str, Any]) -> dict[str, Any]:
    """Return the same record as format 2 arranges it; what has the wrong type stays as it is."""
    arranged = _nested(record)
    arranged["evaluations"] = arranged.pop("evaluated", {})
    if isinstance(arranged["evaluations"], dict):
        arranged["evaluations"] = {
            stage: _nested(evaluation) if isinstance(evaluation, dict) else evaluation
            for stage, evaluation in arranged["evaluations"].items()
        }
    if isinstance(arranged.get("data"), dict):
        arranged["data"] = {("license" if key == "licence" else key): part for key, part in arranged["data"].items()}
    if isinstance(arranged.get("split"), dict):
        split = arranged["split"] = dict(arranged["split"])
        split["rule"] = as_text(split.get("rule") or DEFAULT_SPLIT)
        leakage = split["leakage"] = split.pop("separation", None)
        if isinstance(leakage, dict):
            split["leakage"] = {key: part for key, part in leakage.items() if key != "text"}
    epoch = arranged.get("best_epoch")
    if isinstance(epoch, float) and epoch.is_integer():
        arranged["best_epoch"] = int(epoch)
    return arranged


def _nested(record: dict[str, Any]) -> dict[str, Any]:
    """Move what format 2 holds one level deeper."""
    arranged = dict(record)
    for name, keys in MOVED.items():
        moved = {key: arranged.pop(key) for key in keys if key in arranged}
        if moved:
            arranged[name] = moved
    return arranged
