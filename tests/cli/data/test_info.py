from __future__ import annotations

import hashlib

import numpy as np
import pytest

from potbench.cli.main import main
from potbench.structures import SYMBOLS
from tests.native_files import conformers, write_ani1
from tests.native_files.npz import rmd17_arrays

KCAL_PER_MOL = 27.211386245988 / 627.5094740631


@pytest.fixture
def rmd17(served_rmd17, run):
    """rMD17 of ethanol, prepared."""
    run("prepare", "rmd17", "--molecule", "ethanol")
    return rmd17_arrays(200)


def row(printed: str, name: str) -> str:
    """What stands behind a name."""
    (line,) = [line for line in printed.splitlines() if line.strip().startswith(f"{name}  ")]
    return line.strip().removeprefix(name).strip()


def test_what_the_manifest_says_is_shown(rmd17, run, prepared):
    printed = run("info", "rmd17")
    assert "rmd17 --molecule ethanol --labels revised" in printed
    assert row(printed, "Frames") == "200"
    assert row(printed, "Molecules") == "1: ethanol"
    assert row(printed, "Elements") == "H C O"
    assert row(printed, "Theory") == "PBE/def2-SVP"
    assert row(printed, "License") == "CC0 1.0"
    assert row(printed, "Units") == "positions Å, energy eV, forces eV/Å"
    assert row(printed, "Official splits").startswith("01 (80 + 80), 02 (80 + 80), 03 (80 + 80)")
    assert row(printed, "Cite").startswith("Christensen, von Lilienfeld")
    (folder,) = [file.parent for file in prepared.glob("*/manifest.json")]
    assert row(printed, "Store") == str(folder)
    assert len(row(printed, "Fingerprint")) == 64


def test_files_are_shown_with_their_sha256_and_whether_they_were_verified(rmd17, run, tmp_path):
    printed = run("info", "rmd17")
    body = (tmp_path / "made" / "rmd17_ethanol.npz").read_bytes()
    assert (
        f"  rmd17_ethanol.npz\n    sha256 {hashlib.sha256(body).hexdigest()}\n"
        f"    verified: md5:{hashlib.md5(body).hexdigest()} is published\n"
    ) in printed
    assert "not verified" not in printed
    run("prepare", "sample")
    assert "    not verified against a published checksum\n" in run("info", "sample")


def test_ranges_are_those_of_the_files(rmd17, run):
    printed = run("info", "rmd17")
    energy = rmd17["energies"] * KCAL_PER_MOL / 9
    forces = rmd17["forces"] * KCAL_PER_MOL
    assert row(printed, "Atoms") == "9 to 9"
    assert row(printed, "Energy") == f"{energy.min():.4f} to {energy.max():.4f} eV per atom"
    largest, mean = np.linalg.norm(forces, axis=-1).max(), np.sqrt(np.square(forces).mean())
    assert row(printed, "Forces").startswith(f"up to {largest:.3f} eV/Å; root mean square of components {mean:.3f}")


def test_a_dataset_of_many_molecules_names_a_few(run, tmp_path):
    written = {number: conformers(name, 3) for number, name in enumerate(["CH4", "NH3", "H2O"] * 3)}
    write_ani1(tmp_path, written)
    run("prepare", "ani1", "--heavy_atoms", "[1]", "--from", tmp_path)
    printed = run("info", "ani1")
    assert row(printed, "Molecules").startswith("9: gdb11_s01-0, gdb11_s01-1, gdb11_s01-2, gdb11_s01-3")
    assert "and 4 more" in printed
    assert row(printed, "Atoms") == "3 to 5"
    assert row(printed, "Forces") == "none"
    assert row(printed, "Official splits") == "none"
    assert row(printed, "Elements") == " ".join(SYMBOLS[number] for number in (1, 6, 7, 8))


def test_options_choose_among_several(rmd17, run, refused):
    run("prepare", "rmd17", "--molecule", "ethanol", "--labels", "original")
    assert run("info", "rmd17").count("Fingerprint") == 2
    printed = run("info", "rmd17", "--labels", "original")
    assert printed.count("Fingerprint") == 1
    assert row(printed, "Theory") == "PBE+TS"
    assert refused("info", "rmd17", "--molecule", "aspirin") == (
        "molecule is 'aspirin', expected one of those prepared: ethanol. Change --molecule."
    )
    assert refused("info", "rmd17", "--molecul", "ethanol") == (
        "molecul is 'ethanol', expected none: rmd17 has no such option. Change --molecul."
    )


def test_lists_may_be_written_with_or_without_spaces(run, tmp_path):
    for heavy_atoms in (1, 2):
        write_ani1(tmp_path, {0: conformers("CH4", 3)}, heavy_atoms)
    run("prepare", "ani1", "--heavy_atoms", "[1, 2]", "--from", tmp_path)
    assert "ani1 --heavy_atoms '[1, 2]'" in run("info", "ani1", "--heavy_atoms", "[1,2]")


def test_a_dataset_that_is_not_prepared_is_named(prepared, run, refused):
    prepared.mkdir()
    assert refused("info", "rmd17") == (
        f"rmd17 is not prepared in {prepared}, where there is nothing. Run `python -m potbench data prepare rmd17`, or "
        "change --root."
    )
    run("prepare", "sample")
    assert refused("info", "smple") == (
        f"smple is not prepared in {prepared}, where there is sample. Did you mean sample? Run "
        "`python -m potbench data prepare smple`, or change --root."
    )


def test_a_folder_that_is_no_store_is_named(tmp_path, refused):
    assert refused("info", tmp_path).startswith(f"{tmp_path} is no prepared dataset.")


def test_without_a_name_what_is_missing_is_said(refused):
    assert refused("info") == "NAME is missing. Expected: name of the dataset, or folder of a prepared one."


def test_a_damaged_store_is_named_after_the_others_of_its_dataset(prepared, run, refused, capsys):
    run("prepare", "sample")
    damaged = prepared / "rmd17-0" / "manifest.json"
    damaged.parent.mkdir()
    damaged.write_text("{")
    assert "License" in run("info", "sample")
    assert refused("info", "rmd17").startswith(f"{damaged} is damaged (")
    damaged.parent.rename(prepared / "sample-0")
    assert main(["data", "info", "sample"]) == 2
    shown = capsys.readouterr()
    assert "License" in shown.out
    assert f"{prepared / 'sample-0' / 'manifest.json'} is damaged" in shown.err
