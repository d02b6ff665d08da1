"""Folder of a dataset in the making, so that the work can be resumed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from potbench.errors import GenerationError
from potbench.generation.recipe import Recipe


class UnfinishedWork:
    """Folder of a dataset in the making, OUTPUT.partial beside the file that it becomes.

    Args:
        output: the file.
    """

    def __init__(self, output: Path) -> None:
        self.folder = output.with_name(f"{output.name}.partial")

    @property
    def recipe(self) -> Path:
        """File of the recipe."""
        return self.folder / "recipe.json"

    @property
    def isolated_atoms(self) -> Path:
        """File of the energies of free atoms."""
        return self.folder / "isolated_atoms.json"

    def molecule(self, name: str) -> Path:
        """Return the file of the frames of a molecule."""
        return self.folder / f"molecule-{name}.npz"

    def open(self, recipe: Recipe) -> None:
        """Make the folder, or require that the one there was begun with the same recipe.

        Raises:
            GenerationError: it was begun with another.
            RecordError: its recipe is damaged.
        """
        if not self.recipe.exists():
            recipe.save(self.recipe)
        elif differences := Recipe.load(self.recipe).differences(recipe):
            raise GenerationError(
                f"The unfinished work in {self.folder} was begun with other settings: {'; '.join(differences)}. To "
                "resume, they must be the same. Use the old settings again, choose another output, or delete the "
                "folder."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process at a time work in the folder.

        Raises:
            GenerationError: another process does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            raise GenerationError(
                f"Another process works in {self.folder}. Expected one at a time: wait for it, or choose another "
                "output."
            ) from None
        try:
            yield
        finally:
            lock.release()

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)
