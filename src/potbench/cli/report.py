"""python -m potbench report: any runs side by side."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

from potbench.errors import RunError, SettingError


def report(arguments: list[str]) -> int:
    """Compare any runs on one page: which differences are real, and whether the comparison is fair."""
    from potbench.cli.several import run_several

    expected = "folders of runs, or folders with runs in them"
    return run_several(compare_runs, arguments, "report", "RUN", expected, "runs/ani runs/schnet")


def compare_runs(
    *,
    runs: list[Path],
    output: Path | None = None,
    question: str = "",
    reference: str | None = None,
    metric: str | None = None,
    smallest_difference: float = 0.05,
) -> None:
    """Compare any runs on one page: which differences are real, and whether the comparison is fair.

    Runs whose configs differ by seeds alone are trainings of one architecture. The page, as HTML and Markdown, its
    figures and records.csv are written into a folder; --output names it.

    Args:
        runs: folders of runs, or folders with runs in them; RUN... without a flag.
        output: folder of the report; by default runs/reports/<time>.
        question: what shall be answered, in your words.
        reference: architecture to which the others are put in relation; by default the best.
        metric: error that decides: forces_mae, forces_rmse, energy_mae, energy_rmse or energy_mae_per_atom; by default
            forces_mae where all runs have forces, else energy_mae.
        smallest_difference: relative difference below which two errors count as equal.
    """
    if not 0 <= smallest_difference < 1:
        raise SettingError(compare_runs, "smallest_difference", smallest_difference, "a fraction, from 0 to below 1")
    from potbench.results.findings import find
    from potbench.results.given_runs import find_runs, members_of
    from potbench.results.member import Asked
    from potbench.results.report import write_report
    from potbench.results.summary import show
    from potbench.results.words import listing

    members, absent = members_of(find_runs(runs))
    if not members:
        said = "; ".join(f"{each.label}: {each.reason}" for each in absent)
        raise RunError(f"There is no run to report on ({said}). Expected folders that `python -m potbench fit` made.")
    names = list(dict.fromkeys(member.label.architecture for member in members))
    command = f"python -m potbench report {shlex.join(map(str, runs))}"
    command += "".join(f" --{name} {shlex.quote(str(value))}" for name, value in {
        "reference": reference, "metric": metric, "question": question or None,
        "smallest_difference": smallest_difference if smallest_difference != 0.05 else None,
    }.items() if value is not None)  # fmt: skip
    asked = Asked(
        title=listing(names) if len(names) <= 4 else f"{len(names)} architectures side by side",
        question=question,
        metric=metric,
        reference=reference,
        smallest_difference=smallest_difference,
        commands=(command,),
    )
    findings = find(members, absent, asked)
    page = write_report(findings, output or Path("runs") / "reports" / time.strftime("%Y-%m-%d_%H-%M-%S"))
    show(findings, page)
