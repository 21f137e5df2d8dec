"""Networks: what is known of each (`get_spec`), and loading them with their weights (`load_model`)."""

from .backbones import model_names
from .loaded import LoadedModel
from .registry import get_spec
from .spec import ModelSpec, Preprocess
from .weights import load_model

__all__ = ["LoadedModel", "ModelSpec", "Preprocess", "get_spec", "load_model", "model_names"]
