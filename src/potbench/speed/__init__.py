"""Benchmarks: what potbench delivers, side by side with the libraries' own way, in one run."""
