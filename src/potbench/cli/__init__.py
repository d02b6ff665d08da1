"""The front door: every command, and how its arguments are read."""
