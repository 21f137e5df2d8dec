"""Networks: what the registry knows of each (`get_spec`), and loading them with their weights (`load_model`)."""

from .registry import get_spec, model_names
from .spec import ModelSpec, Preprocess
from .weights import LoadedModel, load_model

__all__ = ["LoadedModel", "ModelSpec", "Preprocess", "get_spec", "load_model", "model_names"]
