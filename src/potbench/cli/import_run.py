"""python -m potbench import."""

from __future__ import annotations

import hashlib
import shlex
from argparse import ArgumentParser
from pathlib import Path

from potbench.errors import PotbenchError, RunError

PROGRAM = "python -m potbench import mace"


def import_mace(arguments: list[str]) -> int:
    """Make a run of a pretrained MACE, once you say that you trust its file."""
    parser = ArgumentParser(
        prog=f"{PROGRAM} FILE",
        description="Make a run of a pretrained MACE: with the data, the split and the training of a config of fit, "
        "which is not trained yet. test, predict, fit --from and report take it as any other. A file of MACE is a "
        "pickled program: without --trust, its sha256 is shown and nothing of it is read. All other flags are those "
        "of fit, such as --data.dataset.molecule.",
        allow_abbrev=False,
    )
    parser.add_argument("--trust", metavar="SHA256", help="the sha256 of this very file, which may then be run")
    parser.add_argument("--run_dir", metavar="FOLDER", help="of the run, a new one")
    parser.add_argument(
        "--fit_reference_energies",
        action="store_true",
        help="to the training set, where its energies are of another level of theory than those of the file",
    )
    if not arguments or arguments[0].startswith("-"):
        if {"-h", "--help"}.intersection(arguments):
            parser.parse_args(["--help"])
        raise PotbenchError(
            f"FILE is missing. Expected a model that MACE saved, as in `{PROGRAM} MACE-OFF23_small.model --config "
            "configs/rmd17/mace.yaml --run_dir runs/mace_off`."
        )
    file = Path(arguments[0])
    settings, of_fit = parser.parse_known_args(arguments[1:])
    content = file.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if settings.trust is None:
        command = shlex.join([*PROGRAM.split(), *arguments, "--trust", found])
        raise PotbenchError(
            f"{file} ({len(content):,} bytes, sha256 {found}) is a pickled program: to read it is to run whatever it "
            "holds, with your rights. Nothing of it was read. Expected a file whose makers you trust, and the sha256 "
            f"that they publish. To run it once, and have a run that holds plain weights: {command}"
        )
    if settings.trust != found:
        raise PotbenchError(
            f"--trust is {settings.trust}, and {file} has sha256 {found}. Expected the file that you trust. Nothing of "
            "it was read."
        )
    if settings.run_dir is None:
        raise PotbenchError("--run_dir is missing. Expected a new folder for the run. Add --run_dir.")

    from potbench.cli.config_of_fit import config_of_fit
    from potbench.cli.data_of_run import data_of
    from potbench.cli.run_arguments import allowed_in
    from potbench.laws.precision import default_dtype
    from potbench.potentials.mace_file import read_by_running
    from potbench.runs.allowed import Allowed
    from potbench.runs.ensemble import require_new
    from potbench.runs.folder import RunFolder
    from potbench.runs.imported import Imported, config_with, require_known, write_imported
    from potbench.training.reference_energies import fit_reference_energies

    run = RunFolder(settings.run_dir)
    require_new(run)
    if {"--from", "--run"}.intersection(of_fit):
        raise RunError("The weights are those of the file. Expected no other run. Remove --from and --run.")
    of_run = config_of_fit(of_fit)
    imported = Imported(*read_by_running(content), file, found)
    config = config_with(of_run, imported)
    data = data_of(config, run, Allowed.by_flag(allowed_in(of_fit)))
    require_known(imported, data)
    done = "It computes what the file does."
    if settings.fit_reference_energies:
        with default_dtype(next(imported.potential.parameters()).dtype):
            done = "\n".join([done, *fit_reference_energies(imported.potential, data)])
    write_imported(run, imported, config, data)
    elements = imported.potential.elements
    print(
        f"{run.path} holds the MACE of {file}: {imported.potential.num_parameters:,} weights for {len(elements)} "
        f"elements, {', '.join(elements)}. {done}\n\n"
        f"Errors on the test set: python -m potbench test {shlex.quote(str(run.path))}\n"
        f"To train it further: python -m potbench fit --from {shlex.quote(str(run.path))} --run_dir FOLDER"
    )
    return 0
