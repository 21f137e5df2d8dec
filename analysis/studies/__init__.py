"""The studies by name. A study is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from cluscam_lite.errors import unknown

if TYPE_CHECKING:
    from ..study import Study

# name -> "module:object", the object being the study itself
REGISTRY: dict[str, str] = {
    "logits": "analysis.studies.logits:STUDY",
    "faithfulness": "analysis.studies.faithfulness:STUDY",
    "curves": "analysis.studies.curves:STUDY",
    "groundtruth": "analysis.studies.groundtruth:STUDY",
    "ablation": "analysis.studies.ablation:STUDY",
    "temperature": "analysis.studies.temperature:STUDY",
    "hyperparameters": "analysis.studies.hyperparameters:STUDY",
    "runtime": "analysis.studies.runtime:STUDY",
    "alzheimer": "analysis.studies.alzheimer:STUDY",
    "sanity": "analysis.studies.sanity:STUDY",
}


def find_study(name: str) -> "Study":
    """The study of that name. Raises UnknownName with the nearest names."""
    if name not in REGISTRY:
        raise unknown("study", name, REGISTRY)
    module, _, attribute = REGISTRY[name].partition(":")
    return getattr(import_module(module), attribute)
