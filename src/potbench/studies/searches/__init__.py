"""Hyperparameter search: trials that are runs, and what they found."""
