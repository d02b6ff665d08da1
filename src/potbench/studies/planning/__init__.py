"""From the file of a study to its cells, each with its config, its frames and its length."""
