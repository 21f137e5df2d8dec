"""Networks that are in no table here: of other libraries by name, or what a function in a file builds.

`timm:NAME`, `torchvision:NAME` and `hf:NAME` bring what their library says of the input (size, crop, mean, standard
deviation); of ``file.py:build`` the user says it. The layer is the deepest that gives maps, and K is 30 or the number
of maps: nobody has tuned them.
"""

from .hugging_face import load_transformers
from .own import OWN, load_own
from .spec import Given, elsewhere_spec, is_elsewhere

__all__ = ["OWN", "Given", "elsewhere_spec", "is_elsewhere", "load_own", "load_transformers"]
