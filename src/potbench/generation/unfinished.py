"""Folder of a dataset in the making, so that the work can be resumed."""

from __future__ import annotations

import shutil
from pathlib import Path

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

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder)
