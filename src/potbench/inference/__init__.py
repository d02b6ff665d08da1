"""A trained potential at work."""
