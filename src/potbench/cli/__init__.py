"""The front door: every command, and how its arguments are read."""

from potbench.cli.main import main

__all__ = ["main"]
