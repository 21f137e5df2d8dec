"""The studies by name. A study is imported when it is asked for."""

from importlib import import_module
from typing import TYPE_CHECKING

from cluscam_lite.errors import unknown

if TYPE_CHECKING:
    from analysis.engine import Study

# name -> "module:object", the object being the study itself
REGISTRY: dict[str, str] = {
    "logits": "analysis.chapters.logits.study:STUDY",
    "faithfulness": "analysis.chapters.faithfulness.study:STUDY",
    "boxes": "analysis.chapters.boxes.study:STUDY",
    "whatif": "analysis.chapters.whatif.study:STUDY",
    "curves": "analysis.chapters.metrics.study:STUDY",
    "groundtruth": "analysis.chapters.groundtruth.study:STUDY",
    "ablation": "analysis.chapters.ablation.study:STUDY",
    "temperature": "analysis.chapters.temperature.study:STUDY",
    "hyperparameters": "analysis.chapters.hyperparameters.study:STUDY",
    "runtime": "analysis.chapters.runtime.study:STUDY",
    "alzheimer": "analysis.chapters.alzheimer.study:STUDY",
    "stability": "analysis.chapters.stability.study:STUDY",
    "sanity": "analysis.chapters.alzheimer.sanity:STUDY",
}


def find_study(name: str) -> "Study":
    """The study of that name. Raises UnknownName with the nearest names."""
    if name not in REGISTRY:
        raise unknown("study", name, REGISTRY)
    module, _, attribute = REGISTRY[name].partition(":")
    return getattr(import_module(module), attribute)
