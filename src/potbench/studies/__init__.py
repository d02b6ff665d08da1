"""A whole comparison from one file: its cells, their trainings, their page."""
