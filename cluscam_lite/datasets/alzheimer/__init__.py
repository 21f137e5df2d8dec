"""The Alzheimer MRI data set: its slices, splits and near-duplicates."""
