"""The sample that potbench contains, for trying everything without a download."""

from __future__ import annotations

from pathlib import Path

from potbench.datasets.dataset import DatasetInfo
from potbench.datasets.generated import Generated


class Sample(Generated):
    """Small molecules of H, C, N and O at ANI-1's level of theory, with forces; part of the package.

    Its manifest holds the command that made it.
    """

    published = DatasetInfo(
        name="sample",
        theory="ωB97X/6-31G(d)",
        citation="potbench, CITATION.cff",
        license="MIT",
        has_forces=True,
        molecules=15,
        frames=2_250,
        elements=("H", "C", "N", "O"),
        size="inside the package",
    )

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("sample.h5"))
