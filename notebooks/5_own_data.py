# %% [markdown]
# # 5 · Data of your own: compute, check, train, and let the potential ask for more
#
# Which molecules matter to you is not known to any published dataset. This notebook makes its own data and goes once
# around the loop in which good potentials are made:
#
# 1. **compute** a few geometries with quantum chemistry,
# 2. **check** them, before any time is spent on training,
# 3. **train** three potentials that differ in their random numbers: an *ensemble*,
# 4. **simulate**, and stop where the three disagree: there, data are missing,
# 5. **compute** just these geometries, and train again.
#
# The last two steps are called *active learning*. As the "quantum chemistry" we take GFN2-xTB, since it needs a
# millisecond for a molecule (`pip install "potbench[xtb]"`). Any other calculator of ASE can take its place: only the
# name changes. The notebook needs some minutes.

# %%
import os
import shlex
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from potbench.cli.main import main

os.chdir(tempfile.mkdtemp())
os.environ["POTBENCH_DATA"] = "data"  # datasets that potbench converts are kept there
plt.rcParams.update(
    {"figure.dpi": 70, "figure.figsize": (6, 3.6), "axes.spines.top": False, "axes.spines.right": False}
)


def run(command: str) -> None:
    """Do what `python -m potbench COMMAND` does in a terminal, and stop where it fails."""
    assert main(shlex.split(command)) == 0, command


# %% [markdown]
# ## 1 · Compute
#
# 80 geometries each of water and methanol. potbench finds the minimum and the vibrations of each molecule, and pushes
# the atoms along the vibrations, at random, with no more energy than at 300 K. All that is needed to make the file
# again is written into it.

# %%
xtb = """--calculator tblite.ase.TBLite --calculator_arguments '{"method": "GFN2-xTB"}' --theory GFN2-xTB"""
run(f"data generate --molecules H2O CH3OH --frames 80 --temperature 300 {xtb} --output first.h5")

# %% [markdown]
# ## 2 · Check
#
# Wrong units, forces with the wrong sign, two copies of a geometry, atoms inside each other: a training would run all
# the same, and its errors would say nothing. So look first.

# %%
run("data check first.h5")

# %% [markdown]
# One line deserves a look: the energies are much smaller than those of free atoms with all their electrons. That is
# no mistake here, since GFN2-xTB counts valence electrons only; with other data it could be a wrong unit. The line
# "forces and energies" is the strongest test: between two near geometries, the energy must change as the forces say.
#
# ## 3 · Train three
#
# Three trainings on the same data, with the seeds 0, 1 and 2 of the random numbers. With 128 training geometries each
# takes seconds. Only the first one shows what it prints. We need the same again later, so it becomes a function.

# %%
from IPython.utils.capture import capture_output


def train(data: str, name: str) -> None:
    """Train three potentials on a dataset, and join them into one ensemble."""
    fit = "fit --config configs/quickstart.yaml --model.potential configs/potential/ani_1x.yaml"
    command = f"{fit} --trainer.max_epochs 25 --trainer.enable_progress_bar false --data {data} --data.batch_size 8"
    run(f"{command} --seed_everything 0 --run_dir runs/{name}_0")
    with capture_output():
        for seed in (1, 2):
            run(f"{command} --seed_everything {seed} --run_dir runs/{name}_{seed}")
    run(f"ensemble runs/{name}_0 runs/{name}_1 runs/{name}_2 --run_dir runs/{name}")


train("configs/data/generated.yaml --data.dataset.file first.h5", "first")

# %% [markdown]
# The ensemble is a potential like any other. It predicts the mean of its members, and their *spread*, a standard
# deviation.

# %%
run("test runs/first")

# %% [markdown]
# Does the spread say anything about the error? The next figure shows, for the force on each atom of the test set, its
# spread and its true error.

# %%
predictions = np.load("runs/first/predictions.npz")
true, predicted, spreads = (
    predictions[name].reshape(-1, 3) for name in ("forces", "predicted_forces", "forces_spread")
)
error = np.linalg.norm(predicted - true, axis=1)
spread = np.linalg.norm(spreads, axis=1)

figure, axes = plt.subplots()
axes.loglog(spread, error, ".", ms=5)
axes.axline((0.1, 0.1), (1, 1), color="black", lw=0.8)
axes.set(xlabel="spread of the force on an atom (eV/Å)", ylabel="its error (eV/Å)")
plt.show()
print(f"{len(error)} forces: median error {np.median(error):.3f} eV/Å, median spread {np.median(spread):.3f} eV/Å")
print(f"largest error {error.max():.2f} eV/Å, largest spread {spread.max():.2f} eV/Å")

# %% [markdown]
# On the line they would be equal; above it, the error is larger than the spread. A spread is not an error bar: three
# members that learned from the same geometries are also wrong together. With four members or more, and geometries set
# apart for it, potbench calibrates the spread ([docs/ensembles.md](../docs/ensembles.md)). For what follows it need
# not be right; it has to be *larger where data are missing*.
#
# ## 4 · Simulate until they disagree
#
# Eight copies of methanol at 600 K, hotter than the data. The simulation ends after 0.2 ps, or as soon as the members
# disagree about the force on some atom by more than 0.5 eV/Å.

# %%
from ase.build import molecule
from ase.io import read, write

write("methanol.xyz", molecule("CH3OH"))
run("md runs/first methanol.xyz --temperature 600 --time 0.2 --replicas 8 --stop_spread 0.5 --output md")

# %% [markdown]
# ## 5 · Compute what is missing
#
# Of all geometries on the way, we take the 24 about which the members disagree most.

# %%
from ase import Atoms

import potbench

first = potbench.load("runs/first")


def visited(folder: str) -> list[Atoms]:
    """Return the geometries of all copies in a simulation, but the first, which they have in common."""
    files = sorted(Path(folder).glob("replica_*.traj"))
    return [Atoms(one.numbers, one.positions) for file in files for one in read(file, "1:")]


def largest_spread(geometries: list[Atoms]) -> np.ndarray:
    """Return the largest spread of a force in each geometry, in eV/Å."""
    return np.array([np.linalg.norm(one.forces_spread, axis=1).max() for one in first.predict(geometries)])


geometries = visited("md")
spreads = largest_spread(geometries)
chosen = np.argsort(spreads)[-24:]
write("chosen.xyz", [geometries[index] for index in chosen])
print(f"median spread of all {len(geometries)} geometries: {np.median(spreads):.2f} eV/Å")
print(f"median spread of the {len(chosen)} chosen:     {np.median(spreads[chosen]):.2f} eV/Å")
run(f"data label chosen.xyz {xtb} --output second.xyz")

# %% [markdown]
# ## 6 · Train again
#
# Both files together are the new dataset. A YAML file says so, and the same three trainings follow. The line "Not
# read" names what `second.xyz` says of itself, and what is no label to train on.

# %%
Path("both.yaml").write_text(
    """
class_path: potbench.loading.AtomsDataModule
init_args:
  dataset:
    class_path: potbench.datasets.Several
    init_args:
      name: first and second
      datasets:
        first: {class_path: potbench.datasets.Generated, init_args: {file: first.h5}}
        second: {class_path: potbench.datasets.ExtendedXYZ, init_args: {file: second.xyz, theory: GFN2-xTB}}
  split: {class_path: potbench.loading.RandomSplit, init_args: {train: 0.8, validation: 0.1, test: 0.1}}
"""
)
train("both.yaml", "second")

# %% [markdown]
# ## Has it helped?
#
# To ask this fairly we need geometries that neither ensemble has seen, of the kind that we care about: hot methanol.
# So GFN2-xTB itself moves a molecule at 600 K for half a picosecond, and both ensembles predict the forces on the
# way.

# %%
from ase import units
from ase.md.langevin import Langevin
from tblite.ase import TBLite

moving = molecule("CH3OH")
moving.calc = TBLite(method="GFN2-xTB", verbosity=0)
friction, random = 0.02 / units.fs, np.random.default_rng(0)
dynamics = Langevin(moving, 0.5 * units.fs, temperature_K=600, friction=friction, fixcm=False, rng=random)
hot, true = [], []
for _ in range(50):
    dynamics.run(20)
    hot.append(moving.copy())
    true.append(moving.get_forces())

for name in ("first", "second"):
    predicted = [one.forces for one in potbench.load(f"runs/{name}").predict(hot)]
    errors = np.linalg.norm(np.array(predicted) - np.array(true), axis=2)
    print(f"{name:6s} ensemble: error of a force {errors.mean():.3f} eV/Å in the mean, {errors.max():.2f} eV/Å at most")

# %% [markdown]
# Two things have changed from the first ensemble to the second: *which* geometries were trained on, and *how many*:
# some 20 more, which also means more training steps. To know whether choosing by spread beats choosing at random, one
# would train a third ensemble on 24 random geometries of the same simulation, several times. That is a study
# ([notebook 2](2_comparing.ipynb)).
#
# One goes around this loop until the simulation that one wants runs to its end.
# [docs/ensembles.md](../docs/ensembles.md) has the commands, [docs/data.md](../docs/data.md) explains files of your
# own.
