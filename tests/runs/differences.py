"""Where two states differ."""

from __future__ import annotations

from typing import Any

import torch


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return where two nested dicts and lists of tensors and plain values differ, bit for bit."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other}, key=str)
        return [found for key in keys for found in differences(one.get(key), other.get(key), f"{path}/{key}")]
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [found for place, pair in pairs for found in differences(*pair, f"{path}/{place}")]
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        equal = one.dtype == other.dtype and torch.equal(one, other)
    else:
        equal = bool(one == other)
    return [] if equal else [f"{path}: {one} and {other}"]
