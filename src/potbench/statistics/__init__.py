"""Which differences between architectures are real, and how sure that is."""
