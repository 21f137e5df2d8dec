"""The arithmetic of the paper's tables."""
