"""Figures 7 and 8: the temperature."""
