"""Appendix C: both boxes of the localisation error."""
