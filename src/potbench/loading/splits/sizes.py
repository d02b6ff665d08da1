"""How large the parts are: fractions, or whole numbers."""

from __future__ import annotations

import json
from typing import NamedTuple

KEY = "Change data.init_args.split.init_args."


class Sizes(NamedTuple):
    """Sizes of the three parts, as they were asked for.

    Attributes:
        train: fraction of all (the three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.
    """

    train: float
    validation: float
    test: float

    @classmethod
    def of(cls, train: float, validation: float, test: float) -> Sizes:
        """Sizes that make sense.

        Raises:
            ValueError: one is not above zero, or fractions do not add up to 1.
        """
        sizes = cls(train, validation, test)
        if any(size <= 0 for size in sizes):
            raise ValueError(f"The split sizes are {sizes.text}, expected all above zero. {KEY}")
        total = sum(sizes)
        if not sizes.counted and not abs(total - 1) <= 1e-9:  # so put, NaN is refused too
            raise ValueError(
                f"The split fractions {sizes.text} add up to {total:g}, expected 1 (or three whole numbers). {KEY}"
            )
        return sizes

    @property
    def counted(self) -> bool:
        """Whether they are numbers, not fractions."""
        return all(size >= 1 and size == int(size) for size in self)

    @property
    def text(self) -> str:
        """For messages."""
        return json.dumps(self._asdict())

    def counts(self, total: int, of: str) -> tuple[int, int, int]:
        """How many of `total` go into each part.

        Args:
            total: how many there are.
            of: what they are, for messages: frames, molecules.

        Raises:
            ValueError: a part would be empty, or there are not enough.
        """
        validation, test = (int(size) if self.counted else round(size * total) for size in self[1:])
        train = int(self.train) if self.counted else total - validation - test
        if min(train, validation, test) < 1 or train + validation + test > total:
            raise ValueError(
                f"The split asks for {train} + {validation} + {test} {of} of {total}. "
                f"Expected at least one in each part and no more than there are. {KEY}"
            )
        return train, validation, test
