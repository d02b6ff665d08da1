# %% [markdown]
# # 1 · First tour: from data to a molecule that relaxes
#
# A *machine-learned interatomic potential* is a function that gets the elements and positions of the atoms of a
# molecule and returns its energy, like a quantum chemistry program, but in milliseconds. It has learned to do so from
# molecules whose energies and forces were computed once by quantum chemistry. This notebook goes the whole way:
#
# 1. look at the data,
# 2. train a potential,
# 3. measure how wrong it is, on molecular geometries it has not seen,
# 4. use it with [ASE](https://wiki.fysik.dtu.dk/ase/), as any other calculator.
#
# It needs a minute on an ordinary computer, no GPU and no network. Run the cells from top to bottom.

# %% [markdown]
# ## Where things go
#
# The first cell makes a new, empty folder for all that follows, so that nothing of yours is touched. Write
# `os.chdir("a/folder/of/yours")` in its place to keep what is made.
#
# potbench is a program for the command line: `python -m potbench fit …` in a terminal trains a potential. Here we
# stay in Python, so we define `run`, which does the same as such a line in a terminal.

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
# ## The data
#
# potbench contains a small sample: 15 molecules with 150 geometries each. Each geometry was made by pushing the atoms
# out of equilibrium along the normal modes of the molecule, at random, with no more energy than goes with 1000 K. For
# each there is the energy and the force on every atom, by density functional theory (ωB97X/6-31G(d)). Energies are in
# eV, lengths in Å.

# %%
from potbench.datasets import Sample

molecules = list(Sample().read())
for one in molecules:
    strain = one.energy - one.energy.min()
    print(
        f"{one.molecule:9s} {len(one.energy)} geometries, lowest energy {one.energy.min():9.2f} eV, "
        f"the others up to {strain.max():.2f} eV above"
    )

# %% [markdown]
# Two things are worth seeing. The total energies are huge, thousands of eV, because they count every electron. What
# chemistry is about, the differences between geometries, is about 1 eV. So the potential does not learn total
# energies: a constant for each element is fitted and subtracted first, and the network learns the rest.
#
# How strained are the geometries? kcal/mol is the unit in which chemists think of it; 1 eV is 23.06 kcal/mol. Each
# box holds the middle half of the geometries of a molecule, and the line in it is the median. Larger molecules have
# more vibrations, and so more strain at one temperature.

# %%
from potbench.units import KCAL_PER_MOL  # 1 kcal/mol in eV

figure, axes = plt.subplots()
strains = [(one.energy - one.energy.min()) / KCAL_PER_MOL for one in molecules]
axes.boxplot(strains, tick_labels=[one.molecule for one in molecules], flierprops={"ms": 3})
axes.tick_params("x", rotation=60)
axes.set_ylabel("energy above the lowest\ngeometry (kcal/mol)")
plt.show()

# %% [markdown]
# ## The training
#
# `fit` needs a *config*: a text file that says which data, which potential, which training. `configs/quickstart.yaml`
# is inside the package and uses the sample. We change two things: the potential, to a network with the sizes of
# ANI-1x, whose energy is smooth, and the number of *epochs*, that is how often the training goes through the data: 10
# in place of 50, to be quick.
#
# Of the 2,250 geometries, 1,800 are trained on, 225 are looked at after each epoch (*validation*), and 225 are put
# away for the test at the end. The lines below show the mean absolute error (MAE) on the validation set as it falls.

# %%
run(
    "fit --config configs/quickstart.yaml --model.potential configs/potential/ani_1x.yaml "
    "--trainer.max_epochs 10 --run_dir runs/first"
)

# %% [markdown]
# All that this training was, is and left behind is in one folder.

# %%
for file in sorted(Path("runs/first").rglob("*")):
    if file.is_file():
        print(f"{file.relative_to('runs/first').as_posix():28s} {file.stat().st_size / 1000:8.1f} kB")

# %% [markdown]
# ## The test
#
# Validation errors flatter: the best epoch was chosen by them. So the errors that count are those on the test set,
# which played no part in anything so far.

# %%
run("test runs/first")

# %% [markdown]
# How to read this:
#
# - **MAE** is the mean absolute error, **RMSE** the root mean square error, which large errors dominate.
# - The error is the distance to *density functional theory*, not to experiment. How far the theory
#   itself is from nature cannot be seen here.
# - "100% of the test frames are of molecules in the training set": the test asks about new *geometries* of known
#   molecules. How it does on molecules that it has never seen is another question, and the answer
#   is usually worse; `--data.split potbench.loading.MoleculeSplit` asks it.
# - This is one training. Another start of the random numbers would give somewhat other errors; how to say how much
#   they vary is what notebook 2 is about.
#
# The numbers are also in a file, `record.json`, with everything it takes to repeat them.

# %%
import json

record = json.loads(Path("runs/first/record.json").read_text())
print("seeds:", record["seeds"], "| weights:", record["num_parameters"], "| steps:", record["budget"]["steps"])
print("test errors:", {name: round(each["value"], 3) for name, each in record["metrics"]["test"].items()})

# %% [markdown]
# ## Figures
#
# `test` has drawn figures into `runs/first/figures`. What they are made of is there too, so here we draw two of them
# ourselves: how the error fell during the training, and predicted against true forces of the test set.

# %%
predictions = np.load("runs/first/predictions.npz")
history = np.genfromtxt("runs/first/metrics.csv", delimiter=",", names=True, deletechars="")
history = history[np.isfinite(history["validation/forces_mae"])]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
left.plot(history["epoch"] + 1, history["validation/forces_mae"], "o-", ms=4)
left.set(xlabel="epoch", ylabel="validation MAE of forces (kcal/mol/Å)", ylim=(0, None))

true, predicted = (predictions[name].ravel() / KCAL_PER_MOL for name in ("forces", "predicted_forces"))
right.plot(true, predicted, ".", ms=2)
right.axline((0, 0), slope=1, color="black", lw=0.8)
right.set(xlabel="true force component (kcal/mol/Å)", ylabel="predicted", aspect="equal")
figure.tight_layout()
plt.show()
print(f"MAE of all {true.size:,} force components: {np.abs(predicted - true).mean():.2f} kcal/mol/Å, as in the table")

# %% [markdown]
# ## At work: ASE
#
# `potbench.Calculator` is a calculator of ASE, so that everything that ASE can do is done with the potential. Here
# methanol relaxes from a rough geometry to its minimum. Methanol is in the training set, but this geometry is not.

# %%
from ase.build import molecule
from ase.optimize import BFGS

import potbench

methanol = molecule("CH3OH")
methanol.rattle(0.05, seed=1)  # moves each atom at random, by some 0.05 Å
methanol.calc = potbench.Calculator("runs/first")

before = methanol.get_potential_energy()
search = BFGS(methanol, logfile=None)
search.run(fmax=0.01, steps=200)
print(f"{search.nsteps} steps, energy lower by {before - methanol.get_potential_energy():.3f} eV")
print(f"largest force left: {np.linalg.norm(methanol.get_forces(), axis=1).max():.3f} eV/Å")
print(
    f"C–O {methanol.get_distance(0, 1):.3f} Å, O–H {methanol.get_distance(1, 3):.3f} Å, "
    f"C–O–H {methanol.get_angle(0, 1, 3):.1f}°"
)

# %% [markdown]
# ## Does it know what it does not know?
#
# A network returns a number for whatever it is given. potbench keeps a summary of the training set, and measures for
# each atom how far its surroundings are from it. Up to 1 is inside; above 1, the prediction is a guess. Ethanol was
# in the training set; benzene was not, nor anything like it.

# %%
potential = potbench.load("runs/first")
for name in ("CH3CH2OH", "C6H6"):
    found = potential.predict(molecule(name))
    print(f"{name:9s} energy {found.energy:9.2f} eV, extrapolation of its atoms up to {found.extrapolation.max():.1f}")

# %% [markdown]
# An element that the potential has never seen is refused, and a message says why.

# %%
from potbench.errors import UnknownMoleculeError

try:
    potential.predict(molecule("CH3Cl"))
except UnknownMoleculeError as error:
    print(error)

# %% [markdown]
# ## Where to go from here
#
# - [2 · Comparing](2_comparing.ipynb): is one architecture better than another, and how sure is that?
# - [3 · Physics](3_physics.ipynb): which laws hold, and what vibrates how fast?
# - [4 · An architecture of your own](4_own_architecture.ipynb), in 40 lines.
# - [5 · Data of your own](5_own_data.ipynb): compute, check, train, and let the potential ask for more.
