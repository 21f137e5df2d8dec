"""Section 3.4: Algorithms 2 and 3, K and r."""
