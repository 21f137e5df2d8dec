"""Ways to analyse a claim: what a way is, and those of studies of maps."""
