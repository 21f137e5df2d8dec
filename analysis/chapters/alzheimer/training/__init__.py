"""Training classifiers of grey slices, small and plain: ``cluscam train alzheimer``.

It needs PyTorch, timm or torchvision, pyarrow, Pillow and safetensors, and nothing else. `train` makes a folder with
the weights, a model card and the test predictions; `load_trained` gives such a folder as a network to be explained.
"""

from analysis.chapters.alzheimer.training.recipe import Recipe, recipe_for
from analysis.chapters.alzheimer.training.trained import load_trained, spec_of_run, trained_spec
from analysis.chapters.alzheimer.training.trainer import train

__all__ = ["Recipe", "load_trained", "recipe_for", "spec_of_run", "train", "trained_spec"]
