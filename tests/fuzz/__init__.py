"""Files damaged at random: refused with their name, or read as they were, or noticed; never a traceback."""
