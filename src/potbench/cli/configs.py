"""python -m potbench configs."""

from __future__ import annotations

from pathlib import Path


def configs(*, folder: Path = Path("configs")) -> None:
    """Copy the configs that come with potbench, to change them.

    Those that are not changed need no copy: a file under configs/ that is not in the current folder is the one inside
    the package.

    Args:
        folder: where to; it must not exist.
    """
    from potbench.shipped.configs import copy_configs

    copied = copy_configs(folder)
    print(f"{copied} has {sum(1 for _ in copied.rglob('*.yaml'))} configs.")
