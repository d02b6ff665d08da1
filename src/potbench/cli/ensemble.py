"""python -m potbench ensemble."""

from __future__ import annotations

from pathlib import Path


def ensemble(arguments: list[str]) -> int:
    """Make an ensemble of finished runs: its spread tells how far to trust it."""
    from potbench.cli.several import run_several

    example = "runs/seed_0 runs/seed_1 --run_dir runs/pair"
    return run_several(make, arguments, "ensemble", "RUN", "folders of two finished runs or more", example)


def make(*, runs: list[Path], run_dir: Path, allow: list[str] = []) -> None:  # noqa: B006 — never changed
    """Make an ensemble of finished runs: its spread tells how far to trust it.

    The folder is an ordinary run: test, predict, md, check, cost and report take it. Members are trained on the same
    data, by other seeds or on other folds, and test the same frames. Where they set frames apart for calibration, a
    factor for energies and one for forces make the spread as large as the errors on these frames.

    Args:
        runs: folders of the runs; RUN RUN... without a flag.
        run_dir: folder of the ensemble, a new one.
        allow: packages that you trust, whose classes the runs may name beside those of potbench.
    """
    from potbench.runs.folder import RunFolder

    folder = RunFolder(run_dir)

    from potbench.cli.data_of_run import data_of
    from potbench.runs.allowed import Allowed
    from potbench.runs.ensemble import config_of, require_new, write_ensemble
    from potbench.runs.ensemble_members import read_members
    from potbench.statistics.calibration import FEWEST_MEMBERS

    require_new(folder)
    allowed = Allowed.by_flag(allow)
    members = read_members([RunFolder(run) for run in runs])
    config = config_of(members)
    data = data_of(config, members[0].folder, allowed)
    record = write_ensemble(folder, members, config, data, allowed)
    made = record.ensemble
    assert made is not None
    print(f"An ensemble of {len(members)} is in {folder.path}. {record.split.text[0].upper()}{record.split.text[1:]}.")
    if made.frames_seen:
        print(
            f"{made.frames_seen:,} of the {len(data.indices.test):,} test frames were trained or validated on by runs "
            "that weights of its members come from. Errors on the test set will be too small."
        )
    factors = {"energies": made.energy_factor, "force components": made.forces_factor}
    found = [f"{factor:.3g} for {name}" for name, factor in factors.items() if factor is not None]
    if found:
        print(f"Spreads are multiplied by {' and '.join(found)}, found on {made.calibration:,} calibration frames.")
        if left_out := len(data.indices.calibration) - made.calibration:
            print(f"{left_out:,} others were trained or validated on by runs that weights of its members come from.")
    elif len(members) < FEWEST_MEMBERS:
        print(f"Its spread is not calibrated: that takes {FEWEST_MEMBERS} members.")
    elif len(data.indices.calibration):
        print(
            "Its spread is not calibrated: runs that weights of its members come from saw all of its "
            f"{len(data.indices.calibration):,} calibration frames, or such a run is gone, and what it saw is not "
            "known. Train members from runs that set the same frames apart."
        )
    else:
        print(
            "Its spread is not calibrated: no frames were set apart. Train members with "
            "potbench.loading.CalibrationSplit around their split."
        )
