import errno
import os
import pickle
import resource
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from ase.build import molecule
from ase.io import write
from lightning.fabric.utilities.exceptions import MisconfigurationException

from potbench.cli.main import main
from potbench.cli.parsing import Parser
from potbench.cli.places import Flags
from potbench.cli.predict import predict
from potbench.cli.refusals import CompleteError, message_of, refusals
from potbench.datasets import RMD17, ExtendedXYZ
from potbench.errors import DataFileError, MissingDataError, MissingPackageError, SettingError
from tests.cli.conftest import QUICK

Refused = Callable[[list[str]], str]


@pytest.fixture
def flags() -> Flags:
    parser = Parser.of(predict, "predict")
    return Flags(parser.parse_args(["runs/mine", "--input", "in.xyz", "--output", "out.npz"]), parser)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataFileError("x is damaged.\nFetch it again."), "x is damaged. Fetch it again."),
        (
            SettingError(predict, "batch_size", 0, "at least 1"),
            "batch_size is 0, expected at least 1. Change --batch_size.",
        ),
        (SettingError(RMD17, "labels", "x", "y"), "labels is 'x', expected y. Change the argument labels of RMD17."),
        (
            MissingPackageError("rdkit", "Splits need", "rdkit"),
            "Splits need the package rdkit, which is not installed. Install it: pip install 'potbench[rdkit]'.",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "out.npz.1234.partial"),
            "out.npz.1234.partial cannot be used: Permission denied. Expected a place that you may read and write. "
            "Change --output.",
        ),
        (
            IsADirectoryError(errno.EISDIR, "Is a directory", "in.xyz"),
            "in.xyz cannot be used: Is a directory. Expected a file. Change --input.",
        ),
        (
            OSError(errno.EROFS, "Read-only file system", "/elsewhere"),
            "/elsewhere cannot be used: Read-only file system. Expected a place that you may read and write. Change "
            "the path.",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "No space left on device. Expected room on the disk. Change --output.",
        ),
        (OSError("Something of a library"), "Something of a library"),
        (
            MemoryError("Unable to allocate 10 GiB"),
            "There is not enough memory (Unable to allocate 10 GiB). Expected room for a batch. Lower --batch_size.",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nMore"),
            "There is not enough memory (CUDA out of memory. Tried to allocate 2 GiB). Expected room for a batch. "
            "Lower --batch_size.",
        ),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes."),
            "There is not enough memory ([enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to "
            "allocate 1 bytes). Expected room for a batch. Lower --batch_size.",
        ),
        (
            pickle.UnpicklingError("Weights only load failed. Set weights_only=False to force it."),
            "A file is damaged, or is not what its name says (UnpicklingError). Expected a file as it was written. "
            "Delete it, or restore it.",
        ),
        (
            zipfile.BadZipFile("File is not a zip file"),
            "A file is damaged, or is not what its name says (BadZipFile). Expected a file as it was written. Delete "
            "it, or restore it.",
        ),
        (
            ModuleNotFoundError("No module named 'mine'", name="mine"),
            "No module named 'mine'. Expected a package that is installed. Install it, or change what asks for it.",
        ),
        (
            MisconfigurationException("No metric was logged."),
            "No metric was logged. Expected settings that go together. Change them.",
        ),
        (
            RuntimeError('Error(s) in loading state_dict for Task:\n\tMissing key(s) in state_dict: "a".'),
            'The checkpoint holds the weights of another potential (Missing key(s) in state_dict: "a". …). Expected '
            "the potential it was trained with. Leave the settings of model as they were, or choose another "
            "checkpoint.",
        ),
    ],
)
def test_what_a_user_reads_is_decided_by_the_type(error: Exception, message: str, flags: Flags) -> None:
    assert message_of(error, flags) == message
    with pytest.raises(CompleteError) as refused, refusals(lambda: flags):
        raise error
    assert message_of(refused.value) == message


@pytest.mark.parametrize(
    "error",
    [
        *(ValueError("Shapes differ"), RuntimeError("mat1 and mat2 differ"), TypeError("'x' is no str"), KeyError("a")),
        *(
            BrokenPipeError(errno.EPIPE, "Broken pipe"),
            AssertionError(),
            AttributeError("a"),
            ZeroDivisionError(),
            NotImplementedError(),
        ),
        ModuleNotFoundError("No module named 'potbench.none'", name="potbench.none"),
        ImportError("cannot import name 'x' from 'potbench.batch'", name="potbench.batch"),
    ],
)
def test_anything_else_is_a_defect_and_passes(error: Exception, flags: Flags) -> None:
    assert message_of(error, flags) is None
    with pytest.raises(type(error)), refusals(lambda: flags):
        raise error


def test_what_a_library_wraps_is_found() -> None:
    error = ValueError("Does not validate against any of the Union subtypes")
    error.__cause__ = ValueError("Problem with given class_path")
    error.__cause__.__cause__ = DataFileError("x is damaged.")
    assert message_of(error) == "x is damaged."


def test_missing_data_come_with_the_command_that_gets_them(flags: Flags) -> None:
    options = {"molecule": "ethanol", "labels": "coupled cluster"}
    error = MissingDataError(RMD17, "folder", Path("a/b.npz"), "rmd17", options)
    assert message_of(error, flags) == (
        "a/b.npz does not exist. Expected a file of rmd17 there. Run `python -m potbench data prepare rmd17 --molecule "
        "ethanol --labels 'coupled cluster'`, or change the argument folder of RMD17 to the folder that holds it."
    )
    assert message_of(MissingDataError(ExtendedXYZ, "file", Path("a.xyz"), None)) == (
        "a.xyz does not exist. Expected a file of the dataset there. Change the argument file of ExtendedXYZ."
    )


def test_nothing_is_imported_to_find_out_what_an_error_is() -> None:
    program = (
        "import sys\nfrom potbench.cli.refusals import message_of\n"
        "for error in (ValueError('a'), OSError(2, 'b', 'c'), RuntimeError('out of memory'), ImportError('d')):\n"
        "    message_of(error)\n"
        "print({'torch', 'lightning', 'jsonargparse', 'numpy', 'wandb'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"


# what root may do cannot be taken away by permissions: a file stands in the place of a folder


@pytest.fixture
def obstacle(tmp_path: Path) -> Path:
    file = tmp_path / "file"
    file.write_text("in the way")
    return file


def test_a_run_folder_that_cannot_be_made_is_named(obstacle: Path, refused: Refused) -> None:
    for run in (obstacle, Path("/proc/none")):
        said = refused(["fit", *QUICK, "--run_dir", str(run)])
        assert said.startswith(f"{run} cannot be used: ")
        assert said.endswith("Change run_dir.")


def test_a_root_that_cannot_be_used_is_named(
    obstacle: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    reasons = {obstacle: "File exists", tmp_path / "loop": "File exists"}
    for root, reason in reasons.items():
        said = refused(["data", "prepare", "sample", "--root", str(root)])
        assert f" cannot be used: {reason}." in said
        assert said.startswith(str(root))
        assert said.endswith("Change --root.")
    fit = ["fit", *QUICK, "--run_dir", str(tmp_path / "run")]
    assert refused([*fit, "--data.root", str(obstacle)]).endswith("Change data.init_args.root.")
    monkeypatch.setenv("POTBENCH_DATA", str(obstacle))
    assert refused(fit).endswith("Change POTBENCH_DATA.")
    assert refused(["data", "prepare", "sample"]).endswith("Change POTBENCH_DATA.")


def test_an_output_that_cannot_be_written_is_named(finished_run: Path, obstacle: Path, refused: Refused) -> None:
    write(obstacle.with_name("in.xyz"), molecule("CH4"))
    output = ["--output", str(obstacle / "out.npz")]
    said = refused(["predict", str(finished_run), "--input", str(obstacle.with_name("in.xyz")), *output])
    assert said == f"{obstacle} is no folder. Expected a file in a folder. Change --output."
    emt = ["--calculator", "ase.calculators.emt.EMT", "--frames", "1"]
    said = refused(["data", "generate", "--molecules", "H2O", *emt, *output])
    assert said.startswith(f"{obstacle / 'out.npz'}")
    assert said.endswith("Change --output.")


@contextmanager
def full_disk() -> Iterator[None]:
    """Limit the size of files, so that writing fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("command", ["fit", "test", "validate", "predict", "prepare", "generate"])
def test_a_full_disk_is_said(command: str, finished_run: Path, tmp_path: Path, refused: Refused) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    write(tmp_path / "in.xyz", [molecule("CH4")] * 100)
    emt = ["--calculator", "ase.calculators.emt.EMT", "--frames", "40"]
    arguments = {
        "fit": [
            "fit",
            *QUICK,
            "--data.root",
            str(finished_run.parent / "prepared"),
            "--run_dir",
            str(tmp_path / "new"),
        ],
        "test": ["test", str(run)],
        "validate": ["validate", str(run)],
        "predict": ["predict", str(run), "--input", str(tmp_path / "in.xyz"), "--output", str(tmp_path / "out.xyz")],
        "prepare": ["data", "prepare", "sample", "--root", str(tmp_path / "data")],
        "generate": ["data", "generate", "--molecules", "H2O", *emt, "--output", str(tmp_path / "out.h5")],
    }[command]
    places = {"predict": "--output", "generate": "--output", "prepare": "POTBENCH_DATA"}
    with full_disk():
        said = refused(arguments)
    assert "File too large" in said
    assert places.get(command, "run_dir") in said
    assert not [file for file in tmp_path.rglob("*.partial") if file.is_file()]


@pytest.fixture
def damaged(finished_run: Path, tmp_path: Path) -> dict[str, Path]:
    """Name → damaged checkpoint."""
    whole = (finished_run / "checkpoints" / "best.ckpt").read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 255
    contents = {
        "empty": b"",
        "truncated": whole[: len(whole) // 2],
        "noise": os.urandom(1000),
        "text": b"hello",
        "flipped": bytes(flipped),
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.ckpt").write_bytes(content)
    return {name: tmp_path / f"{name}.ckpt" for name in contents}


@pytest.mark.parametrize("command", ["test", "check"])
def test_a_damaged_checkpoint_is_named(
    command: str, damaged: dict[str, Path], finished_run: Path, refused: Refused
) -> None:
    for file in damaged.values():
        said = refused([command, str(finished_run), "--ckpt_path", str(file)])
        assert said.startswith(f"{file} cannot be read as a checkpoint")
        assert "weights_only" not in said


def test_a_renamed_class_in_a_checkpoint_is_named(finished_run: Path, tmp_path: Path, refused: Refused) -> None:
    checkpoint = torch.load(finished_run / "checkpoints" / "best.ckpt", weights_only=True)
    checkpoint["recipe"]["init_args"]["potential"]["class_path"] = "potbench.potentials.AtomPotential"
    torch.save(checkpoint, tmp_path / "renamed.ckpt")
    said = refused(["check", str(finished_run), "--ckpt_path", str(tmp_path / "renamed.ckpt")])
    assert "there is no class potbench.potentials.AtomPotential. Did you mean AtomicPotential?" in said


@pytest.mark.parametrize(
    "content", ["{", *(pytest.param(content, marks=pytest.mark.slow) for content in ("[]", '{"format": 2, "name": 3}'))]
)
def test_a_damaged_record_is_named(content: str, finished_run: Path, tmp_path: Path, refused: Refused) -> None:
    run = shutil.copytree(finished_run, tmp_path / "run")
    (run / "record.json").write_text(content)
    write(tmp_path / "in.xyz", molecule("CH4"))
    predicting = ["--input", str(tmp_path / "in.xyz"), "--output", str(tmp_path / "out.xyz")]
    for arguments in (["test"], ["validate"], ["fit"], ["predict", *predicting]):
        assert refused([arguments[0], str(run), *arguments[1:]]).startswith(f"{run / 'record.json'} is damaged")


def test_a_damaged_manifest_concerns_its_dataset_alone(finished_run: Path, prepared: Path, refused: Refused) -> None:
    shutil.copytree(finished_run.parent / "prepared", prepared)
    (prepared / "rmd17-0").mkdir()
    (prepared / "rmd17-0" / "manifest.json").write_text("{")
    assert main(["data", "check", "sample", "--frames", "10"]) == 0
    (manifest,) = prepared.glob("sample-*/manifest.json")
    manifest.write_text(manifest.read_text().replace('"num_frames": 2250', '"num_frames": "many"'))
    said = refused(["data", "check", "sample", "--frames", "10"])
    assert said.startswith(f"{manifest} is damaged (num_frames ")


def test_a_package_that_is_missing_inside_a_constructor_is_named() -> None:
    missing = ModuleNotFoundError("No module named 'absent'", name="absent")
    wrapped = ValueError("Does not validate")
    wrapped.__cause__ = missing
    assert message_of(wrapped) == (
        "No module named 'absent'. Expected a package that is installed. Install it, or change what asks for it."
    )


def test_an_error_that_is_its_own_cause_ends() -> None:
    error, other = KeyError("a"), KeyError("b")
    error.__cause__, other.__cause__ = other, error
    assert message_of(error) is None
