# %% [markdown]
# # 3 · Physics: what a trained potential gets right, and where it ends
#
# A small test error says that energies and forces are right *on average, on geometries like those of the training
# set*. Chemistry asks for more: that energy is conserved, that bonds do not collapse, that molecules vibrate as they
# should. This notebook trains one potential and asks it four things:
#
# 1. Do the physical **laws** hold, such as that forces are the slope of the energy?
# 2. How does the energy change when a **bond is stretched**, inside and outside of what the potential has seen?
# 3. At which **frequencies** do molecules vibrate, compared with the quantum chemistry that it has learned from?
# 4. Is **energy conserved** when atoms move?
#
# It needs a minute on an ordinary computer. First the same cell as in notebook 1: a new, empty folder, and `run`,
# which does what `python -m potbench …` does in a terminal. Exit status 1 means here that something is beyond its
# limit: that is an answer, so we go on.

# %%
import os
import shlex
import tempfile

import matplotlib.pyplot as plt
import numpy as np

from potbench.cli.main import main

os.chdir(tempfile.mkdtemp())
os.environ["POTBENCH_DATA"] = "data"  # datasets that potbench converts are kept there
plt.rcParams.update(
    {"figure.dpi": 70, "figure.figsize": (6, 3.6), "axes.spines.top": False, "axes.spines.right": False}
)


def run(command: str) -> None:
    """Do what `python -m potbench COMMAND` does in a terminal, and stop where it is refused."""
    assert main(shlex.split(command)) in (0, 1), command


# %% [markdown]
# ## One training
#
# The potential has the sizes of ANI-1x, with an activation that is smooth everywhere (CELU). That matters below: with
# ReLU, the usual choice, the slope of the energy jumps wherever a unit of the network switches on. Ten epochs are
# enough to see everything that follows; numbers get better with more.

# %%
run(
    "fit --config configs/quickstart.yaml --model.potential configs/potential/ani_1x.yaml "
    "--trainer.max_epochs 10 --run_dir runs/smooth"
)

# %% [markdown]
# ## 1 · Laws
#
# Some statements are true for *every* right potential, trained or not, good or bad: a molecule that is moved or
# rotated keeps its energy, forces sum to zero, forces are minus the gradient of the energy, two molecules that are
# far apart do not feel each other. `check` tries to break each of them with test molecules and prints the largest
# violation that it found, beside what rounding and finite differences explain.

# %%
run("check runs/smooth")

# %% [markdown]
# None of this says that the potential is *accurate*. It says that its errors are not of a kind that would make
# energies drift, or results depend on how a molecule lies in space.
#
# One law by hand, to see that nothing is hidden in the command: push one hydrogen of methanol by a thousandth of an Å
# in each direction, and compare the slope of the energy with the force.

# %%
from ase.build import molecule

import potbench

potential = potbench.load("runs/smooth")
methanol = molecule("CH3OH")
force = potential.predict(methanol).forces[3]

step = 1e-3  # Å
slope = []
for axis in range(3):
    energies = []
    for sign in (1, -1):
        moved = methanol.copy()
        moved.positions[3, axis] += sign * step
        energies.append(potential.predict(moved).energy)
    slope.append((energies[0] - energies[1]) / (2 * step))

print("force on the hydrogen:", np.round(force, 4), "eV/Å")
print("minus the slope:      ", np.round(-np.array(slope), 4), "eV/Å")
print(f"largest difference: {np.abs(force + slope).max():.1e} eV/Å, in single precision")
assert np.abs(force + slope).max() < 5e-3

# %% [markdown]
# ## 2 · Stretching a bond
#
# One O–H bond of water, from 0.7 to 2 Å, the rest of the molecule fixed. The curve should have one minimum, rise
# steeply to the left, and flatten to the right, where the bond breaks.
#
# The gray area holds all O–H bonds of water in the data. Only there the potential has been told what is right;
# beyond, it continues somehow. `extrapolation` is potbench's measure of how far atoms are outside of the training
# set, without knowing the answer: above 1, they are outside.

# %%
from ase.optimize import BFGS

from potbench.datasets import Sample

water = molecule("H2O")
water.calc = potbench.Calculator(potential)
BFGS(water, logfile=None).run(fmax=0.005, steps=200)

lengths = np.linspace(0.7, 2.0, 66)
stretched = []
for length in lengths:
    one = water.copy()
    one.set_distance(0, 1, length, fix=0)
    stretched.append(one)
found = potential.predict(stretched)
energy = np.array([one.energy for one in found])
outside = np.array([one.extrapolation.max() for one in found])

data = next(one for one in Sample().read() if one.molecule == "H2O")
seen = np.linalg.norm(data.positions[:, 1:] - data.positions[:, :1], axis=2)

figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 5), sharex=True)
for axes in (top, bottom):
    axes.axvspan(seen.min(), seen.max(), color="0.9")
top.plot(lengths, energy - energy.min())
top.set(ylabel="energy (eV)")
bottom.semilogy(lengths, outside.clip(0.01))
bottom.axhline(1, color="black", lw=0.8)
bottom.set(xlabel="O–H distance (Å)", ylabel="extrapolation")
figure.tight_layout()
plt.show()
print(f"minimum at {lengths[energy.argmin()]:.2f} Å; distances in the data from {seen.min():.2f} to {seen.max():.2f} Å")
print(f"longer bonds are marked as outside from {lengths[(lengths > 1) & (outside > 1)].min():.2f} Å on")

# %% [markdown]
# Inside the gray area the curve is what one expects of a bond. Far to the right it is nonsense: no training geometry
# had a broken bond, and a curve that falls there says that the atoms would fly apart with a gain. Who needs bonds to
# break must put broken bonds into the data ([notebook 5](5_own_data.ipynb) shows how to add what is missing).
#
# The warning is late: there is a gap between the end of the gray area and the place where `extrapolation` exceeds 1.
# It looks at how many neighbors an atom has in each shell of distances, over *all* molecules of the training set
# together, which is coarser than one bond of one molecule. A value above 1 is a reason not to trust a prediction; a
# value below 1 is no proof that it is right.

# %% [markdown]
# ## 3 · Frequencies
#
# Vibrations depend on the *second* derivative of the energy at the minimum, which no training has looked at. ASE gets
# them from finite differences of forces. The reference is the level of theory of the data itself, ωB97X/6-31G(d),
# computed here by PySCF (`pip install "potbench[generate]"`): each method at its own minimum.

# %%
from ase.vibrations import Vibrations

from potbench.generation.pyscf_calculator import PySCF

frequencies = {}
for name, calculator in {"potential": potbench.Calculator(potential), "theory": PySCF()}.items():
    water.calc = calculator
    BFGS(water, logfile=None).run(fmax=0.003, steps=200)
    vibrations = Vibrations(water, name=f"vibrations_{name}")
    vibrations.run()
    frequencies[name] = vibrations.get_frequencies()[-3:].real  # the first six are translations and rotations
    print(f"{name:10s} O–H {water.get_distance(0, 1):.4f} Å, H–O–H {water.get_angle(1, 0, 2):.2f}°")

print()
names = ("bend", "symmetric stretch", "antisymmetric stretch")
for name, learned, true in zip(names, frequencies["potential"], frequencies["theory"], strict=True):
    print(f"{name:22s} {learned:7.0f} cm⁻¹, theory {true:7.0f} cm⁻¹, difference {100 * (learned / true - 1):+.1f} %")

# %% [markdown]
# These are harmonic frequencies; those measured in experiment are lower, since bonds are not springs, and that is a
# property of nature and not an error of the potential. Water is one molecule and this is one training: for a
# statement on the potential, look at many molecules and repeat the training.

# %% [markdown]
# ## 4 · Constant energy
#
# Atoms that move without friction keep the sum of kinetic and potential energy. In a simulation it fluctuates a
# little, as time goes in steps, and where forces are smooth the fluctuation falls with the *square* of the step: half
# the step, a quarter of the fluctuation. A drift, or a fluctuation that does not fall like that, says that forces are
# not the slope of the energy, or that they jump.
#
# Methanol starts at its minimum with velocities of 600 K, and moves for 0.1 ps with steps of 0.5 fs and of 0.25 fs.

# %%
import torch
from ase import units
from ase.md.velocitydistribution import Stationary, ZeroRotation
from ase.md.verlet import VelocityVerlet

double = potbench.load("runs/smooth", dtype=torch.float64)  # rounding would hide small fluctuations
methanol = molecule("CH3OH")
methanol.calc = potbench.Calculator(double)
BFGS(methanol, logfile=None).run(fmax=0.01, steps=200)
# velocities of a gas: each component of a momentum is normal with variance m k T; no drift, no rotation
width = np.sqrt(methanol.get_masses() * units.kB * 600)
methanol.set_momenta(np.random.default_rng(0).standard_normal((len(methanol), 3)) * width[:, None])
Stationary(methanol)
ZeroRotation(methanol)

figure, axes = plt.subplots()
fluctuation = {}
for step in (0.5, 0.25):
    moving = methanol.copy()
    moving.calc = potbench.Calculator(double)
    total = []
    dynamics = VelocityVerlet(moving, timestep=step * units.fs)
    dynamics.attach(lambda moving=moving, total=total: total.append(moving.get_total_energy()))
    dynamics.run(int(100 / step))
    total = 1000 * (np.array(total) - np.mean(total)) / len(moving)
    fluctuation[step] = total.std()
    axes.plot(np.arange(len(total)) * step, total, lw=1, label=f"steps of {step} fs")
axes.set(xlabel="time (fs)", ylabel="total energy (meV/atom)")
axes.legend(frameon=False)
plt.show()
print({step: f"{value:.4f} meV/atom" for step, value in fluctuation.items()})
print(f"ratio {fluctuation[0.5] / fluctuation[0.25]:.2f}; 4 is what smooth forces give")

# %% [markdown]
# ## All of it in one command
#
# `examine` does such things by fixed protocols, each value with its limit, so that potentials can be compared.
# `--mode dev` is the shortest: one molecule of the test set.

# %%
run("examine runs/smooth --mode dev --only harmonic stretch dimers nve")

# %% [markdown]
# Read the lines that fail as well. `dimers` puts two lone atoms in front of each other, from 0.3 Å on. They should
# repel, but the training set has no such atoms: it holds whole molecules only, and nothing tells the network that the
# wall is there. In hot or strained molecules, atoms that come too close could then fall into such a hole.
# `--repulsion true` adds the repulsion of bare nuclei at distances shorter than those in the training set, and
# changes nothing elsewhere; in Python it is an argument of `load`:

# %%
carbon_monoxide = molecule("CO")
lengths = np.linspace(0.4, 1.6, 61)
pairs = []
for length in lengths:
    one = carbon_monoxide.copy()
    one.set_distance(0, 1, length, fix=0)
    pairs.append(one)

figure, axes = plt.subplots()
for repulsion, style in ((False, "-"), (True, "--")):
    found = potbench.load("runs/smooth", repulsion=repulsion).predict(pairs)
    energy = np.array([one.energy for one in found])
    axes.plot(lengths, energy - energy[-1], style, label="with repulsion" if repulsion else "as trained")
axes.set(xlabel="distance of a lone C and a lone O (Å)", ylabel="energy (eV)", ylim=(-5, 40))
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# More on the protocols and their limits is in [docs/examination.md](../docs/examination.md), on the laws in
# [docs/architectures.md](../docs/architectures.md).
