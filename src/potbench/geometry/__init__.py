"""Geometry of concatenated molecules, as free functions."""
