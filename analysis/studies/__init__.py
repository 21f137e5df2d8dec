"""What the studies share: plans, explaining images, maps and masks as rows, and reading the rows of a run."""
