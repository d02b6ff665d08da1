"""A whole comparison from one file: its cells, their trainings, their page."""

from potbench.studies.records import read_records

__all__ = ["read_records"]
