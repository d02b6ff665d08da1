"""How a trained potential does at work: in dynamics, along bonds, around bonds and between molecules."""
