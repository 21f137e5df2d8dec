"""Figures 3 and 4: maps of every method side by side."""
