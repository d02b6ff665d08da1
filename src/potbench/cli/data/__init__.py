"""The commands `python -m potbench data …`: which datasets there are, getting one, looking at one."""
