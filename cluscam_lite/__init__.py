"""ClusCAM, its rivals, and the metrics: explanations of image classifiers, for study and for use.

Names are imported when first used, so that ``import cluscam_lite`` is quick and needs no network.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .algorithm.features import HookedModel as HookedModel
    from .algorithm.maps.layers import map_layers as map_layers
    from .algorithm.weighting import temperature as temperature
    from .cluscam import ClusCAM as ClusCAM
    from .datasets import load_dataset as load_dataset
    from .datasets import load_image as load_image
    from .errors import CluscamError as CluscamError
    from .explanation import Explanation as Explanation
    from .methods import method as method
    from .models import get_spec as get_spec
    from .models import load_model as load_model
    from .reading import Reading as Reading
    from .reading import read as read
    from .stability import over_seeds as over_seeds

__version__ = "0.1.0"

_HOME = {
    "ClusCAM": "cluscam",
    "ClusCAMWarning": "errors",
    "CluscamError": "errors",
    "Explanation": "explanation",
    "HookedModel": "algorithm.features",
    "dataset_names": "datasets",
    "get_spec": "models",
    "load_dataset": "datasets",
    "load_image": "datasets",
    "load_model": "models",
    "map_layers": "algorithm.maps.layers",
    "method": "methods",
    "model_names": "models",
    "over_seeds": "stability",
    "read": "reading",
    "Reading": "reading",
    "temperature": "algorithm.weighting",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
