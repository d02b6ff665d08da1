"""One run: its folder, its record, its checkpoints."""
