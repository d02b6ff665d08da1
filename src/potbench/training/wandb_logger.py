"""Weights & Biases, with or without an account or a network."""

from __future__ import annotations

import json
import netrc
import os
import secrets
from pathlib import Path
from typing import Any

from lightning.pytorch import loggers
from typing_extensions import override

from potbench.whole_file import write_text

HOST = "api.wandb.ai"


class WandbLogger(loggers.WandbLogger):
    """Logs a run to Weights & Biases; without a key it stays on disk, and `wandb sync` uploads it later.

    A resumed run continues in the same dashboard; the run folder holds its identifier.

    Args:
        project: project of the dashboard.
        offline: whether the run stays on disk; None means so where no key is known (WANDB_API_KEY, or ~/.netrc).
        tags: labels of the run.
    """

    def __init__(self, project: str = "potbench", offline: bool | None = None, tags: list[str] | None = None) -> None:
        super().__init__(
            project=project,
            offline=not has_key() if offline is None else offline,
            tags=tags,
            log_model=False,
        )
        self._wandb_init.pop("anonymous", None)  # wandb warns of it, whatever it is

    def keep_in(self, run_dir: Path) -> None:
        """Write into the run folder, and continue in the dashboard of an interrupted run."""
        file = run_dir / "wandb.json"
        if file.is_file():
            self._id = self._wandb_init["id"] = json.loads(file.read_text())["id"]
        else:
            self._id = self._wandb_init["id"] = secrets.token_hex(4)
        self._save_dir = self._wandb_init["dir"] = str(run_dir)
        self._wandb_init["name"] = "/".join(run_dir.parts[-3:])
        self._wandb_init["settings"] = wandb_settings()
        write_text(file, json.dumps({"id": self._id, "project": self._project}) + "\n")

    @override
    def finalize(self, status: str) -> None:
        """Write what is still in memory, and close the run."""
        super().finalize(status)
        if self._experiment is not None:
            self._experiment.finish()


def has_key() -> bool:
    """Return whether Weights & Biases knows the user."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        return netrc.netrc().authenticators(HOST) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def wandb_settings() -> Any:
    """Return settings by which a missing network delays the start by seconds, not minutes."""
    import wandb

    return wandb.Settings(init_timeout=30, silent=True)
