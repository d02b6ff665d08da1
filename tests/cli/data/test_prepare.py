from __future__ import annotations

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

from potbench.cli.data.prepare import not_kept
from potbench.cli.main import main
from potbench.errors import MissingDataError
from potbench.loading import Store
from tests.cli.conftest import ROOT, SMALL
from tests.file_server import Served
from tests.native_files import conformers, write_ani1
from tests.native_files.archives import tar, zipped
from tests.native_files.ase_files import write_qm9
from tests.native_files.npz import write_flexible, write_md17, write_rmd17_halves
from tests.native_files.springs import healthy

MOLECULES = "aspirin, azobenzene, benzene, ethanol, malonaldehyde, naphthalene, paracetamol, salicylic, toluene, uracil"
FEW = [f"--data.split.init_args.{part}={size}" for part, size in (("train", 20), ("validation", 8), ("test", 8))]


def store(root: Path) -> Store:
    """The one store there is."""
    (folder,) = [file.parent for file in root.glob("*/manifest.json")]
    return Store(folder)


def train(printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the command that stands behind `Train on it:`, for one batch."""
    arguments = shlex.split(printed.split("Train on it:\n")[1])
    assert arguments[:3] == ["python", "-m", "potbench"]
    monkeypatch.chdir(ROOT)
    few = ["--data.split.init_args.validation=4"] if "potbench.loading.OfficialSplit" in arguments else FEW
    assert main([*arguments[3:], *SMALL[-2:], *few, "--trainer.fast_dev_run", "true"]) == 0


def test_a_dataset_is_downloaded_converted_and_told_how_to_use(served_md17, prepared, run, monkeypatch):
    printed = run("prepare", "md17", "--molecule", "ethanol")
    assert len(store(prepared)) == 40
    assert (prepared / "downloads" / "md17" / "md17_ethanol.npz").is_file()
    assert "md17_ethanol.npz: not verified against a published checksum, there is none; its sha256 is " in printed
    assert "md17: 40 frames of 1 molecule of H C O, energies and forces, PBE+TS\n" in printed
    assert "Verified against published checksums: 0 of 1 files\n" in printed
    assert "License: not stated. Cite: Chmiela et al., Sci. Adv. 3, e1603015 (2017), doi:10.1126/sciadv." in printed
    assert f"Store: {store(prepared).folder}\n" in printed
    train(printed, monkeypatch)


def test_a_first_look_at_a_new_dataset_says_what_is_odd(prepared, run, tmp_path):
    first_look = "A first look finds nothing wrong; a closer one: python -m potbench data check ani1\n"
    file = write_ani1(tmp_path, {0: conformers("CH4", 60)})
    assert first_look in run("prepare", "ani1", "--heavy_atoms", "[1]", "--from", file)
    with np.load(write_md17(tmp_path, num_frames=500)) as arrays:
        turned = {name: arrays[name] for name in "zRE"} | {"F": -arrays["F"]}
    np.savez(tmp_path / "turned.npz", **turned)
    arguments = ("prepare", "md17", "--molecule", "ethanol", "--from", tmp_path / "turned.npz")
    printed = run(*arguments)
    assert "forces and energies" in printed
    assert "are wrong: " in printed
    assert "forces and energies" not in run(*arguments)


def test_what_is_prepared_is_not_done_again(served_md17, prepared, run):
    first = run("prepare", "md17", "--molecule", "ethanol")
    changed = store(prepared).folder.stat().st_mtime_ns
    shutil.rmtree(prepared / "downloads")
    again = run("prepare", "md17", "--molecule", "ethanol")
    assert again.splitlines()[0] == "md17 is prepared already; nothing was done."
    assert again.split("Train on it:")[1] == first.split("Train on it:")[1]
    assert len(served_md17.requests) == 1
    assert store(prepared).folder.stat().st_mtime_ns == changed


def test_published_checksums_are_verified_and_kept_in_the_manifest(served_rmd17, prepared, run):
    printed = run("prepare", "rmd17", "--molecule", "ethanol")
    assert "Verified against published checksums: 11 of 11 files\n" in printed
    assert all(source.published.startswith("md5:") for source in store(prepared).manifest.sources)
    assert list(store(prepared).official_splits) == ["01", "02", "03", "04", "05"]


def test_root_is_where_everything_lies(served_md17, prepared, run, tmp_path, monkeypatch):
    printed = run("prepare", "md17", "--molecule", "ethanol", "--root", tmp_path / "my data")
    assert len(store(tmp_path / "my data")) == 40
    assert not prepared.exists()
    shutil.rmtree(tmp_path / "my data" / "downloads")
    train(printed, monkeypatch)


def test_other_labels_come_from_the_same_files(served_rmd17, prepared, run):
    run("prepare", "rmd17", "--molecule", "ethanol")
    num_requests = len(served_rmd17.requests)
    printed = run("prepare", "rmd17", "--molecule", "ethanol", "--labels", "original")
    assert len(served_rmd17.requests) == num_requests
    assert printed.strip().endswith(
        "--data.dataset.init_args.molecule ethanol --data.dataset.init_args.labels original "
        "--data.split potbench.loading.OfficialSplit --data.split.init_args.name 01"
    )
    assert len(list(prepared.glob("*/manifest.json"))) == 2


def test_members_of_an_archive_are_prepared(served_md17, prepared, run, tmp_path):
    files = {
        f"ethanol_ccsd_t-{part}.npz": write_md17(tmp_path / "made", f"ethanol_ccsd_t-{part}").read_bytes()
        for part in ("train", "test")
    }
    served_md17.files["ethanol_ccsd_t.zip"] = Served(zipped(files))
    run("prepare", "md17", "--molecule", "ethanol", "--labels", "coupled cluster")
    assert len(store(prepared)) == 80
    assert [name for name, _ in served_md17.requests] == ["ethanol_ccsd_t.zip"]


def test_the_sample_needs_no_download(prepared, run):
    assert "sample: 2,250 frames of 15 molecules of H C N O, energies and forces, " in run("prepare", "sample")
    assert len(store(prepared)) == 2250


def test_halves_that_are_here_are_used_and_may_be_deleted_then(prepared, run, tmp_path, monkeypatch):
    write_rmd17_halves(tmp_path / "mine")
    printed = run("prepare", "rmd17", "--molecule", "ethanol", "--from", tmp_path / "mine")
    assert (
        f"Published as well, but not in {tmp_path / 'mine'}: rmd17_ethanol.npz, index_train_01.csv, "
        "index_train_02.csv, index_train_03.csv, index_train_04.csv and 6 more.\n"
    ) in printed
    assert list(store(prepared).official_splits) == ["01"]
    shutil.rmtree(tmp_path / "mine")
    shutil.rmtree(prepared / "downloads")
    train(printed, monkeypatch)


def test_files_that_are_here_are_used_without_a_server(served_rmd17, prepared, run, tmp_path):
    printed = run("prepare", "rmd17", "--molecule", "ethanol", "--from", tmp_path / "made")
    assert "Verified against published checksums: 11 of 11 files\n" in printed
    assert served_rmd17.requests == []
    again = run("prepare", "rmd17", "--molecule", "ethanol", "--from", tmp_path / "made")
    assert again.startswith("rmd17 is prepared already; nothing was done.\n")


def test_the_archive_of_all_molecules_is_used(served_rmd17, prepared, run, tmp_path):
    files = {f"rmd17/{file.suffix}/{file.name}": file.read_bytes() for file in (tmp_path / "made").iterdir()}
    (tmp_path / "rmd17.tar.bz2").write_bytes(tar({**files, "rmd17/npz_data/rmd17_aspirin.npz": b"more"}, "bz2"))
    printed = run("prepare", "rmd17", "--molecule", "ethanol", "--from", tmp_path / "rmd17.tar.bz2")
    assert "Verified against published checksums: 11 of 11 files\n" in printed
    assert {file.name for file in (prepared / "downloads" / "rmd17").iterdir()} >= {"rmd17_ethanol.npz"}
    assert not (prepared / "downloads" / "rmd17" / "rmd17_aspirin.npz").exists()


def test_only_the_files_that_the_options_ask_for_are_taken(prepared, run, tmp_path, monkeypatch):
    written = {
        f"ANI-1_release/{file.name}": file.read_bytes()
        for file in (write_ani1(tmp_path, {0: conformers("CH4", 60)}, heavy_atoms) for heavy_atoms in range(1, 9))
    }
    (tmp_path / "9057631").write_bytes(tar(written))
    printed = run("prepare", "ani1", "--heavy_atoms", "[1,2]", "--from", tmp_path / "9057631")
    assert {file.name for file in (prepared / "downloads" / "ani1").glob("*.h5")} == {
        "ani_gdb_s01.h5",
        "ani_gdb_s02.h5",
    }
    assert "--data.dataset potbench.datasets.ANI1 --data.dataset.init_args.heavy_atoms '[1, 2]'" in printed
    train(printed, monkeypatch)


def test_one_file_may_have_any_name(prepared, run, tmp_path):
    file = write_md17(tmp_path, "ethanol_from_a_friend")
    run("prepare", "md17", "--molecule", "ethanol", "--from", file)
    assert len(store(prepared)) == 40


def test_files_that_are_missing_are_named(prepared, refused, tmp_path):
    write_ani1(tmp_path / "mine", {0: conformers("CH4", 3)})
    assert refused("prepare", "ani1", "--heavy_atoms", "[1,2]", "--from", tmp_path / "mine") == (
        f"{tmp_path / 'mine'} holds no ani_gdb_s02.h5. Expected all files that ani1 is read from; put them there, or "
        "drop --from, and they are downloaded."
    )


def test_errors_that_name_no_file_of_the_user_stay_what_they_are(tmp_path):
    missing = MissingDataError(None, "file", tmp_path / "a.npz", None)
    with pytest.raises(MissingDataError) as caught, not_kept({tmp_path / "b.npz": tmp_path / "mine.npz"}):
        raise missing
    assert caught.value is missing


def test_a_damaged_file_of_the_user_makes_room_for_the_right_one(prepared, run, refused, tmp_path):
    right = write_md17(tmp_path / "right", "md17_ethanol")
    wrong = tmp_path / "wrong" / right.name
    wrong.parent.mkdir()
    wrong.write_bytes(right.read_bytes()[:500])
    said = refused("prepare", "md17", "--molecule", "ethanol", "--from", wrong.parent)
    assert said.startswith(f"{wrong} cannot be read as .npz")
    assert wrong.is_file()
    run("prepare", "md17", "--molecule", "ethanol", "--from", right.parent)
    assert len(store(prepared)) == 40


def test_a_dataset_without_an_address_is_asked_of_the_user(prepared, run, refused, tmp_path):
    assert "flexible/Glycine.xyz has no address that a program may fetch it from." in refused(
        "prepare", "flexible", "--molecule", "glycine"
    )
    write_flexible(tmp_path / "Glycine.xyz")
    run("prepare", "flexible", "--molecule", "glycine", "--from", tmp_path / "Glycine.xyz")
    assert len(store(prepared)) == 40


def test_a_damaged_file_is_not_prepared(served_md17, prepared, refused):
    served_md17.files["md17_ethanol.npz"].body = b"PK" + bytes(1000)
    assert "md17_ethanol.npz cannot be read as .npz" in refused("prepare", "md17", "--molecule", "ethanol")
    assert not list(prepared.glob("*/manifest.json"))


def test_an_interruption_is_said_and_the_next_call_resumes(server, served_md17, prepared, run, capsys):
    file = served_md17.files["md17_ethanol.npz"]
    file.body = write_md17(prepared, num_frames=2000).read_bytes()
    file.stalls_at = 300_000
    partial = prepared / "downloads" / "md17" / "md17_ethanol.npz.partial"

    def interrupt() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (partial.is_file() and partial.stat().st_size >= 200_000):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    assert main(["data", "prepare", "md17", "--molecule", "ethanol"]) == 130
    assert capsys.readouterr().err == "\npotbench: stopped. Give the same command again to resume.\n"
    file.stalls_at = None
    run("prepare", "md17", "--molecule", "ethanol")
    assert server.ranges() == [None, f"bytes={4 * 2**16}-"]
    assert len(store(prepared)) == 2000


def test_a_full_disk_leaves_no_half_of_a_store(prepared, run, refused, tmp_path):
    arguments = ("prepare", "md17", "--molecule", "ethanol", "--from", write_md17(tmp_path, num_frames=2000))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        said = refused(*arguments)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert said == (
        f"Nothing more can be written to {prepared} (File too large). Expected space for the dataset. Free some "
        "space, or keep datasets on another disk: POTBENCH_DATA names their folder. The same command then resumes from "
        "here."
    )
    assert [path.name for path in prepared.iterdir()] == ["downloads"]
    run(*arguments)
    assert len(store(prepared)) == 2000


def test_without_a_name_the_datasets_are_listed(run):
    assert run("prepare", "--help") == run("prepare")
    assert "\n  rmd17     Energies and forces of 100,000 frames of each of ten molecules" in run("prepare")


def test_help_shows_the_options_of_a_dataset_with_their_choices(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["data", "prepare", "rmd17", "--help"])
    printed = capsys.readouterr().out
    assert "--molecule {aspirin,azobenzene," in printed
    assert "--labels {revised,original}" in printed
    assert "--folder" not in printed


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            "rmd71",
            "There is no dataset 'rmd71'. Did you mean rmd17? Expected one of ",
        ),
        ("rmd17", f"--molecule is missing. Expected: one of {MOLECULES}."),
        (
            "rmd17 --molecule ethanl",
            f"--molecule is 'ethanl', expected one of {MOLECULES}. Did you mean ethanol?",
        ),
        (
            "rmd17 --molecule ethanol --labels orginal",
            "--labels is 'orginal', expected one of revised, original. Did you mean original?",
        ),
        (
            "rmd17 --molecul ethanol",
            "There is no argument --molecul. Did you mean --molecule? "
            "python -m potbench data prepare rmd17 --help lists all.",
        ),
        ("ani1 --heavy_atoms x", "--heavy_atoms is \"['x']\", expected a list of whole numbers or null."),
        (
            "ani1 --heavy_atoms 9",
            "heavy_atoms asks for [9], but ANI-1 has files 1 to 8. Expected numbers from 1 to 8. Change --heavy_atoms.",
        ),
        ("rmd17 more --molecule ethanol", "There is an argument too many: more."),
        (
            "md17 --molecule uracil --labels coupled\\ cluster",
            "MD17 has no coupled cluster labels of 'uracil'. Expected one of aspirin, benzene, ethanol, malonaldehyde, "
            "toluene. Change --molecule.",
        ),
        ("sample --from .", "There is no argument --from."),
        (
            "ani1 --from nowhere",
            "nowhere does not exist. Expected one of ani_gdb_s01.h5, ani_gdb_s02.h5, ",
        ),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(prepared, refused, arguments, said):
    assert refused("prepare", *shlex.split(arguments)).startswith(said)
    assert not list(prepared.glob("*/manifest.json"))


def test_a_wrong_download_is_said_with_status_2(served_rmd17, refused, prepared):
    served_rmd17.files["ethanol"].body = b"other"
    said = refused("prepare", "rmd17", "--molecule", "ethanol")
    assert said.startswith(f"{prepared / 'downloads' / 'rmd17' / 'rmd17_ethanol.npz'} could not be downloaded: ")
    assert not list(prepared.glob("**/rmd17_ethanol*"))


def test_a_damaged_download_is_replaced_when_told_to(served_md17, prepared, run, refused):
    (name,) = [name for name in served_md17.files if name.endswith("md17_ethanol.npz")]
    right = served_md17.files[name].body
    served_md17.files[name].body = right[:-100]
    arguments = ["prepare", "md17", "--molecule", "ethanol"]
    assert "md17_ethanol.npz cannot be read as .npz" in refused(*arguments)
    served_md17.files[name].body = right
    assert "cannot be read" in refused(*arguments)  # not told to
    run(*arguments, "--fetch_again")
    assert len(store(prepared)) == 40
    run(*arguments, "--fetch_again", "true")  # also of what is right
    assert len(store(prepared)) == 40


def test_qm9_is_prepared_from_a_folder_of_its_single_files(prepared, run, tmp_path):
    write_qm9(tmp_path / "archive", 6)
    with tarfile.open(tmp_path / "archive" / "dsgdb9nsd.xyz.tar.bz2") as archive:
        archive.extractall(tmp_path / "files", filter="data")
    run("prepare", "qm9", "--uncharacterized", "true", "--from", str(tmp_path / "files"))
    assert len(store(prepared)) == 6


def test_a_file_of_the_users_own_is_prepared_and_checked(prepared, run, refused, tmp_path, monkeypatch):
    atoms = healthy(num_frames=70)
    images = []
    for positions, energy, forces in zip(atoms.positions, atoms.energy, atoms.forces, strict=True):
        image = Atoms(atoms.atomic_numbers, positions)
        image.calc = SinglePointCalculator(image, energy=energy, forces=forces)
        images.append(image)
    write(tmp_path / "mine.xyz", images)
    mine = ("prepare", tmp_path / "mine.xyz", "--energy_unit", "eV", "--length_unit", "Å")
    printed = run(*mine)
    assert "A first look finds nothing wrong" in printed
    train(printed, monkeypatch)
    assert "is prepared already" in run(*mine)
    checked = run("check", tmp_path / "mine.xyz", "--energy_unit", "eV", "--length_unit", "Å")
    assert "All 13 are fine." in checked
    assert len(list(prepared.glob("*/manifest.json"))) == 1
    assert "does not state its energy unit" in refused("check", tmp_path / "mine.xyz", "--length_unit", "Å")
    assert "There is no argument --energy_unt" in refused("prepare", tmp_path / "mine.xyz", "--energy_unt", "eV")


def test_theory_license_and_citation_may_be_given_later(prepared, run, tmp_path):
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    atoms.calc = SinglePointCalculator(atoms, energy=-31.0)
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    mine = ("prepare", tmp_path / "a.xyz", "--energy_unit", "eV", "--length_unit", "Å")
    run(*mine)
    fingerprint = store(prepared).fingerprint
    printed = run(*mine, "--license", "CC0", "--theory", "PBE0/def2-TZVP")
    assert printed.startswith("a is prepared already; theory, license and citation were noted.\n")
    # without them, they stay
    assert run(*mine).startswith("a is prepared already; nothing was done.\n")
    facts = store(prepared).manifest
    assert (facts.license, facts.theory, facts.citation) == ("CC0", "PBE0/def2-TZVP", "not stated")
    assert facts.fingerprint == fingerprint


def test_what_is_prepared_is_found_without_reading_it_or_importing_much(tmp_path: Path) -> None:
    atoms = Atoms("H2", [[0, 0, 0], [0, 0, 0.7]])
    atoms.calc = SinglePointCalculator(atoms, energy=-31.0)
    write(tmp_path / "a.xyz", atoms, format="extxyz")
    command = ["data", "prepare", str(tmp_path / "a.xyz"), "--energy_unit", "eV", "--length_unit", "Å"]
    command += ["--root", str(tmp_path / "root")]
    assert main(command) == 0
    program = (
        "import sys\nfrom potbench.cli.main import main\nassert main(sys.argv[1:]) == 0\n"
        "print({'torch', 'lightning', 'scipy', 'matplotlib', 'pooch', 'ase.io.extxyz'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, *command], capture_output=True, text=True, check=True)
    assert "a is prepared already; nothing was done." in done.stdout
    assert done.stdout.endswith("set()\n")
