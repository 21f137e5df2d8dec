"""The methods that ClusCAM is held against, each behind ``method(x, target=None) -> Explanation``.

`gradcam_family` is the `grad-cam` package's; the others are written from their papers' equations. `trivial` maps know
nothing of the network, and `nulls` spend ClusCAM's passes on masks that know nothing of its clusters.
"""
