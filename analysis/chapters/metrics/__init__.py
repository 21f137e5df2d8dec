"""Appendix C: what the metrics reward."""
