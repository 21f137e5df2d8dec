"""The methods that ClusCAM is compared with, each behind ``method(x, target=None) -> Explanation``.

Those of `gradcam_family` run through the package `grad-cam`; of ScoreCAM and AblationCAM the passes are made here, in
batches, and the map is finished as in the package. The others are written from their papers' equations. `trivial` maps
know nothing of the network, and `nulls` spend ClusCAM's passes on masks that know nothing of its clusters.
"""
