"""What is measured of a map of a slice: class means, the pixels that a grade depends on, randomised parameters."""
