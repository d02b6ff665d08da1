"""Sizes of the sets of a split: fractions, or whole numbers."""

from __future__ import annotations

from potbench.errors import SettingError, require_positive
from potbench.loading.splits.split import Split


def part_of(owner: Split, setting: str, total: int, of: str) -> int:
    """Return how many are drawn from a set, of which at least one has to be left.

    Args:
        owner: the split.
        setting: of the owner: a fraction of the set, or how many (a whole number).
        total: how many there are.
        of: what they are, for messages: training frames, training molecules.

    Raises:
        SettingError: it is no whole number, or as many as there are.
    """
    size: float = getattr(owner, setting)
    count = size if size >= 1 else max(1, round(size * total))
    if count >= total or count != int(count):
        problem = f"The split draws {count:g} of {total} {of} for {setting}"
        raise SettingError(owner, setting, size, "a whole number, or fewer than there are", problem)
    return int(count)


class SizedSplit(Split):
    """A split into sets of given sizes.

    Args:
        train: fraction of all (the three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.

    Raises:
        SettingError: a size is not above zero, or fractions do not add up to 1.
    """

    def __init__(self, train: float, validation: float, test: float) -> None:
        require_positive(self, train=train, validation=validation, test=test)
        self.sizes = {"train": train, "validation": validation, "test": test}
        total = sum(self.sizes.values())
        if not self.counted and abs(total - 1) > 1e-9:
            sizes = " + ".join(f"{size:g}" for size in self.sizes.values())
            raise SettingError(
                self, "train", train, "1, or three whole numbers", f"The fractions of the split are {sizes} = {total:g}"
            )

    @property
    def counted(self) -> bool:
        """Return whether the sizes are numbers, not fractions."""
        return all(size >= 1 and float(size).is_integer() for size in self.sizes.values())

    def counts(self, total: int, of: str) -> tuple[int, int, int]:
        """Return how many go into the training, the validation and the test set.

        Args:
            total: how many there are.
            of: what they are, for messages: frames, molecules.

        Raises:
            SettingError: a set would be empty, or there are not enough.
        """
        train, validation, test = (int(size) if self.counted else round(size * total) for size in self.sizes.values())
        if not self.counted:
            train = total - validation - test
        counts = {"train": train, "validation": validation, "test": test}
        if min(counts.values()) < 1 or sum(counts.values()) > total:
            setting = next((name for name, count in counts.items() if count < 1), "train")
            raise SettingError(
                self,
                setting,
                self.sizes[setting],
                "at least one in each set and no more than there are",
                f"The split asks for {train} + {validation} + {test} {of} of {total}",
            )
        return train, validation, test
