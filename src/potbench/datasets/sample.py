"""The sample that potbench carries, for trying everything without a download."""

from __future__ import annotations

from pathlib import Path

from potbench.datasets.generated import Generated


class Sample(Generated):
    """Small molecules of H, C, N and O at ANI-1's level of theory, with forces; shipped inside the package.

    Its manifest holds the command that made it.
    """

    def __init__(self) -> None:
        super().__init__(Path(__file__).with_name("sample.h5"))
