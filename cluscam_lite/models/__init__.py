"""Networks: what is known of each (`get_spec`), and loading them with their weights (`load_model`)."""

from .loaded import LoadedModel
from .registry import get_spec, model_names
from .spec import ModelSpec, Preprocess
from .weights import load_model

__all__ = ["LoadedModel", "ModelSpec", "Preprocess", "get_spec", "load_model", "model_names"]
