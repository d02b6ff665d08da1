# %% [markdown]
# # 2 · Comparing: is one potential better than another?
#
# Train the same network twice, with other random numbers at the start, and the test errors differ. So one training of
# A and one of B do not say which is better: the difference may be luck. What is needed are *several* trainings of
# each, and some arithmetic that says how large luck is.
#
# This notebook runs a small study, opens its numbers with pandas, does this arithmetic by hand, and checks that the
# page that potbench writes says the same. It needs two minutes: six trainings.

# %%
import os
import shlex
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats

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
# ## The question
#
# A study is a text file. This one asks whether a network that looks at the surroundings of each atom has smaller
# errors of forces than a much simpler picture: a curve for each pair of elements, as in a classical pair potential.
# To be fair, both get the same data, the same number of training steps in batches of the same size, and three
# trainings each, which differ in their random numbers: the initial weights, the order of the batches, and which 400
# geometries are trained on.

# %%
Path("study.yaml").write_text(
    """
name: pairs
question: Does a network of atomic surroundings have smaller errors of forces than a curve for each pair of elements?
architectures:
  surroundings:
    potential: configs/potential/continuous_filter.yaml
    training: configs/training/energies_and_forces.yaml
    set:
      model.init_args.potential.init_args.representation.init_args: {num_features: 32, num_interactions: 2}
  pairs: {potential: configs/potential/pairwise.yaml, training: configs/training/energies_and_forces.yaml}
reference: pairs
datasets: {sample: {data: configs/data/sample.yaml}}
sizes: [400]
trainings: {number: 3}
budget: {rule: steps, value: 200, batch_size: 16, validations: 2}
set:
  model.init_args.loss.init_args.forces: 1.0
  model.init_args.schedule.init_args.max_lr: 3.0e-3
metric: forces_mae
also: [energy_mae]
examine: {cost: false, laws: false}
run: {at_once: 2, threads: 1, accelerator: cpu}
"""
)
run("compare study.yaml")

# %% [markdown]
# The answer stands first, with a 95 % interval of the ratio of the two errors: made in this way, 95 of 100 intervals
# contain the ratio that very many trainings and test molecules would give. The page `report.html` in the folder of
# the study says much more. Here we want to see where the interval comes from.
#
# ## The numbers
#
# `read_records` gives everything as one table of pandas: a row for each training, test set and kind of error.

# %%
from potbench.studies import read_records

records = read_records("runs/studies/pairs")
print(len(records), "rows; columns:", ", ".join(records.columns[:16]), "…")
test = records[(records.stage == "test") & (records.metric == "forces_mae")]
table = test.pivot(index="training", columns="architecture", values="value")
table.round(3)

# %% [markdown]
# Each column has three numbers, and they scatter. In units of kcal/mol/Å, this is what one would like to know of
# them: the mean, and how far the mean would move if all was done again.
#
# ## The interval of a mean
#
# Three trainings give a mean m and a standard deviation s. The mean of three scatters less than a single one, by √3.
# With so few numbers, s itself is uncertain, which Student's t accounts for: the interval is m ± t · s / √3, with t =
# 4.30 for three numbers, in place of 1.96 for very many. In the figure, the strokes are the trainings, the dot is
# their mean, and the bar its interval.

# %%
number = len(table)
t = stats.t.ppf(0.975, number - 1)
mean, deviation = table.mean(), table.std()  # pandas divides by n − 1, as it should
half = t * deviation / np.sqrt(number)
for name in table:
    print(f"{name:13s} {mean[name]:6.2f} ± {half[name]:.2f} kcal/mol/Å   (t = {t:.2f}, s = {deviation[name]:.2f})")

figure, axes = plt.subplots(figsize=(6, 2.2))
for row, name in enumerate(table):
    axes.errorbar(mean[name], row, xerr=half[name], fmt="o", color="black", capsize=4)
    axes.plot(table[name], np.full(number, row + 0.2), "|", ms=12)
axes.set(yticks=range(len(table.columns)), yticklabels=table.columns, ylim=(-0.5, 1.6), xlim=(0, None))
axes.set_xlabel("MAE of forces (kcal/mol/Å)")
plt.show()

# %% [markdown]
# ## The ratio
#
# Two intervals that do not overlap differ, but intervals that overlap may differ too. Better ask for the ratio of the
# two errors at once. Two kinds of luck are in it:
#
# 1. **The trainings.** Training 0 of both had the same 400 geometries, and so on: they are *pairs*. If a draw of
#    geometries is good for one, it may be good for the other as well, and that part of the luck cancels out. So we
#    look at the differences within the pairs, each error divided by the mean of its architecture.
# 2. **The test geometries.** Other test molecules would give another ratio. The 225 test geometries are of 15
#    molecules, and geometries of one molecule resemble each other. So we do not count 225 independent numbers, but
#    15.
#
# Both variances add up. The logarithm of the ratio is what is close to a normal distribution, so the interval is
# calculated for it.

# %%
a, b = table["surroundings"], table["pairs"]
log_ratio = np.log(a.mean() / b.mean())

# 1: trainings, in pairs
difference = a / a.mean() - b / b.mean()
from_trainings = difference.var() / number

# 2: test geometries: the share of the whole error that each molecule has, averaged over trainings
runs = test.set_index(["architecture", "training"]).run
shares = {}
for name in table:
    found = [np.load(f"{runs[name, training]}/predictions.npz") for training in table.index]
    of_geometries = np.mean([each["force_absolute_error"] for each in found], axis=0)
    of_molecules = np.bincount(found[0]["molecule"], weights=of_geometries)  # the sum over each molecule
    shares[name] = of_molecules / of_molecules.sum()
blocks = len(of_molecules)
from_geometries = blocks / (blocks - 1) * np.sum((shares["surroundings"] - shares["pairs"]) ** 2)

# together; the degrees of freedom by Satterthwaite's formula
variance = from_trainings + from_geometries
freedom = variance**2 / (from_trainings**2 / (number - 1) + from_geometries**2 / (blocks - 1))
width = stats.t.ppf(0.975, freedom) * np.sqrt(variance)
ratio, low, high = np.exp([log_ratio, log_ratio - width, log_ratio + width])
print(f"variance of ln(ratio): {from_trainings:.1e} from trainings, {from_geometries:.1e} from test molecules")
print(f"errors of surroundings / errors of pairs: {ratio:.3f}, 95 % interval {low:.3f} to {high:.3f}")
print("a real difference" if high < 1 or low > 1 else "no difference that could be told from luck")

# %% [markdown]
# ## What the report says
#
# The report is also there as Markdown. Its tables are made by potbench, from the same records, by code that we have
# not used above.

# %%
report = Path("runs/studies/pairs/report/report.md").read_text()
lines = report.splitlines()
print(lines[4])
print()
start = next(number for number, line in enumerate(lines) if line.startswith("| Architecture | Forces MAE"))
print("\n".join(lines[start : start + 4]))

# %% [markdown]
# Do both agree? We do not only look, we let Python compare, to the last digit that the report shows.

# %%
import re


def agrees(shown: str, value: float) -> bool:
    """Tell whether a number is what the report shows, rounded to the same digits."""
    decimals = len(shown.partition(".")[2])
    return abs(float(shown) - value) <= 0.501 * 10**-decimals


for name in table:
    row = next(line for line in lines[start:] if line.replace("*", "").startswith(f"| {name} |"))
    shown = re.findall(r"[\d.]+", row.split("|")[2])
    assert agrees(shown[0], mean[name]), (shown, mean[name])
    assert agrees(shown[1], half[name]), (shown, half[name])

shown = re.search(r"([\d.]+) \(([\d.]+)–([\d.]+)\) times", lines[4]).groups()
assert all(map(agrees, shown, (ratio, low, high))), (shown, ratio, low, high)
print("the report: ", *shown)
print("by hand:    ", *np.round([ratio, low, high], 4))

# %% [markdown]
# ## What may be said now, and what not
#
# - The sentence of the report is about *these* two potentials, after *this* number of steps, with 400 training
#   geometries of small molecules. With ten times the steps it may be otherwise: that is another study.
# - Three trainings are the least for which there is an interval. Where the interval is too wide to decide, the report
#   says "undecided", and how many trainings would be needed; it does not say "equal".
# - Where more than two architectures are compared, luck has more chances. Then the intervals are widened (Holm's
#   method), which for two changes nothing.
#
# A study of your own begins with `python -m potbench new study my_study`. [docs/comparing.md](../docs/comparing.md)
# explains all that can be in it, [docs/reports.md](../docs/reports.md) the page.
