"""Training classifiers of grey slices, small and plain: ``cluscam train alzheimer``.

It needs PyTorch, timm or torchvision, pyarrow, Pillow and safetensors, and nothing else. `train` makes a folder with
the weights, a model card and the test predictions; `cluscam_lite.load_model` loads such a folder.
"""

from analysis.chapters.alzheimer.training.recipe import Recipe, recipe_for
from analysis.chapters.alzheimer.training.trainer import train

__all__ = ["Recipe", "recipe_for", "train"]
