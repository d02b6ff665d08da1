import argparse

import pytest
from ase.build import molecule

from potbench.speed.options import add_data_options, chosen_data, describe
from tests.native_files import conformers, write_ani1


def options(*words):
    parser = argparse.ArgumentParser()
    add_data_options(parser)
    return parser.parse_args(words)


@pytest.fixture
def ani1(tmp_path):
    folder = tmp_path / "ani1"
    for heavy_atoms, name in [(1, "CH4"), (2, "CH3OH"), (3, "HCN")]:
        write_ani1(folder, {0: conformers(name, 20)}, heavy_atoms=heavy_atoms)
    return folder


def test_without_options_it_is_the_sample():
    assert describe(chosen_data(options())).startswith("sample: ")


def test_ani1_is_read_from_the_files_asked_for(ani1):
    data = chosen_data(options("--ani1", str(ani1), "--heavy-atoms", "1", "3", "--batch-size", "7"))
    atoms = (len(molecule("CH4")) + len(molecule("HCN"))) / 2
    assert describe(data) == f"ani1: 32 frames to train on, {atoms:.1f} atoms each on average, batches of up to 7"


def test_a_config_names_any_dataset_and_the_option_its_batches(ani1, tmp_path):
    file = tmp_path / "data.yaml"
    file.write_text(
        "class_path: potbench.loading.AtomsDataModule\n"
        "init_args:\n"
        "  dataset:\n"
        "    class_path: potbench.datasets.ANI1\n"
        f"    init_args: {{folder: {ani1}, heavy_atoms: [2]}}\n"
        "  batch_size: 3\n"
    )
    data = chosen_data(options("--dataset-config", str(file), "--batch-size", "5"))
    assert len(data.store) == 20
    assert data.batch_size == 5


def test_a_config_of_something_else_is_refused(tmp_path):
    file = tmp_path / "data.yaml"
    file.write_text("class_path: potbench.loading.RandomSplit\n")
    with pytest.raises(ValueError, match=r"data\.yaml does not describe data: (?s:.*)Expected a file such as"):
        chosen_data(options("--dataset-config", str(file)))


def test_a_config_that_is_not_there_is_named(tmp_path):
    missing = tmp_path / "data.yaml"
    with pytest.raises(FileNotFoundError, match=r"data\.yaml does not exist\. Expected a file such as"):
        chosen_data(options("--dataset-config", str(missing)))
