"""The Alzheimer case study: training, leakage, faithfulness on slices."""
