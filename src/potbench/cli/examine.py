"""python -m potbench examine."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def examine(
    run: Path,
    *,
    mode: Literal["dev", "fast", "standard"] = "fast",
    only: list[str] = [],  # noqa: B006 — never changed; the parser takes None for no list
    ckpt_path: str = "best",
    device: str = "cpu",
    repulsion: bool = False,
    allow: list[str] = [],  # noqa: B006 — never changed
) -> int:
    """Put a trained potential to work: dynamics, vibrations, bonds and more, each value with its limit.

    It says first how long it will take. Figures and their numbers are written into the run, and what is found of the
    checkpoint that the run stands for joins its record. The exit status is 1 where a value is beyond its limit.

    Args:
        run: folder of a run.
        mode: how long; dev tries whether all works, fast looks at one molecule, standard at ten and longer.
        only: protocols, such as nve stability; all by default.
        ckpt_path: best, last, or a file.
        device: cpu or cuda.
        repulsion: nuclei repel each other (ZBL) at distances below those of the training set; nothing is then recorded.
        allow: packages that you trust, whose classes the run may name beside those of potbench.
    """
    from potbench.cli.trained import load_trained

    potential = load_trained(run, ckpt_path, device, allow, repulsion, in_double=True)

    from rich.console import Console

    from potbench.cli.data_of_run import data_of_run
    from potbench.examination.examine import Planned, chosen
    from potbench.examination.examine import examine as follow
    from potbench.examination.protocol import MODES
    from potbench.examination.shown import ExaminationBar, duration, remarks, table
    from potbench.examination.subjects import subjects_of
    from potbench.loading import SplitIndices
    from potbench.loading.unseen_elements import unseen_elements
    from potbench.runs.allowed import Allowed
    from potbench.runs.examined_lines import ExaminedLines
    from potbench.runs.folder import RunFolder
    from potbench.runs.later_findings import add_to_record

    protocols, folder = chosen(only), RunFolder(run)
    checkpoint = folder.checkpoint(ckpt_path)
    data = data_of_run(folder, Allowed.by_flag(allow))
    indices = SplitIndices.load(folder.split)
    subjects = subjects_of(potential, data, indices.test, MODES[mode])
    planned = Planned(subjects, protocols, MODES[mode])
    console = Console()
    names = ", ".join(subject.name for subject in subjects)
    console.print(f"{mode}: {names}; about {duration(planned.total)}.", highlight=False, markup=False)
    if (unseen := unseen_elements(data.store, indices)).elements:
        console.print(unseen.warning, highlight=False, markup=False, soft_wrap=True)
    try:
        with ExaminationBar(planned, console) as bar:
            found = list(follow(subjects, protocols, MODES[mode], bar))
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"stopped. What {folder.path} holds is as it was.") from stop
    findings = tuple(finding for each in found for finding in each.findings)
    console.print(table(findings))
    for remark in remarks(findings):
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
    added = "The record is as it was: with repulsion, this is not the potential of the run." if repulsion else ""
    not_recorded = added or add_to_record(folder, checkpoint, examined=findings)
    if not not_recorded:
        figures = tuple(figure for each in found for figure in each.figures)
        ExaminedLines(figures).save(folder, {protocol.name for protocol in protocols})
    console.print(
        not_recorded or f"Written into {folder.record}, with figures in {folder.examined_figures}.",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip
    return 1 if any(each.verdict == "FAIL" for each in findings) else 0
