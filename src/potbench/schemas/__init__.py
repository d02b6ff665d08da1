"""JSON schemas of the files that users write, by which editors complete them and mark what is wrong."""
