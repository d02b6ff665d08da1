"""The lines that an examination of a potential found: numbers from which its figures are drawn, now and in a report."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, replace

from potbench.errors import RecordError
from potbench.readers.typed_json import from_plain, to_json
from potbench.reporting.lines import Figure
from potbench.runs.folder import RunFolder
from potbench.whole_file import whole_file, write_text


@dataclass(frozen=True)
class ExaminedLines:
    """What is drawn of an examination.

    Args:
        figures: as numbers.
    """

    figures: tuple[Figure, ...]

    @classmethod
    def load(cls, run: RunFolder) -> ExaminedLines | None:
        """Read those of a run; None where it was not examined.

        Raises:
            RecordError: the file is damaged.
        """
        if not run.examined_lines.is_file():
            return None
        try:
            return from_plain(cls, json.loads(run.examined_lines.read_bytes()))
        except (ValueError, RecursionError, TypeError) as error:
            raise RecordError(
                f"{run.examined_lines} is damaged: {error}. Expected what potbench wrote. Delete it, and "
                f"`python -m potbench examine {shlex.quote(str(run.path))}` writes it anew."
            ) from error

    def save(self, run: RunFolder, protocols: Collection[str]) -> None:
        """Write them, and draw each figure as PNG, SVG and PDF.

        Args:
            run: the folder.
            protocols: by which the run was examined; what others found before stays.

        Raises:
            RecordError: what others found is damaged.
        """
        from potbench.reporting.lines_figure import draw_figure
        from potbench.reporting.style import pdf, png, settle, svg

        run.examined_figures.mkdir(parents=True, exist_ok=True)
        for figure in self.figures:
            drawn = draw_figure(figure)
            settle(drawn)
            for ending, content in (("png", png(drawn)), ("svg", svg(drawn).encode()), ("pdf", pdf(drawn))):
                with whole_file(run.examined_figures / f"{file_name(figure)}.{ending}") as partial:
                    partial.write_bytes(content)
        before = self.load(run)
        others = () if before is None else tuple(each for each in before.figures if each.protocol not in protocols)
        write_text(run.examined_lines, to_json(replace(self, figures=(*others, *self.figures))))


def file_name(figure: Figure) -> str:
    """Return the name of the files of a figure, without ending: names of molecules can hold anything."""
    return re.sub(r"[^\w.-]+", "_", figure.name)
