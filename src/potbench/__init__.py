"""potbench trains machine-learned interatomic potentials and compares them under equal conditions."""

__version__ = "0.1.0"
