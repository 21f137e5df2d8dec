"""The Alzheimer MRI data set: its slices and its two splits, of which one keeps near-duplicates together."""
