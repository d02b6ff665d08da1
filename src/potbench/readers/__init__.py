"""File formats → arrays and structures, checked."""
