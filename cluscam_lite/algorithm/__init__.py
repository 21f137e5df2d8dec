"""Algorithm 1 of the paper in its order: features, clustering, masks, scoring, weighting."""
