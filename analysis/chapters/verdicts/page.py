"""What the landing page and the chapter on verdicts say: the answer in a sentence, and one scene with three maps."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from analysis.judging.counts import claim_verdicts
from analysis.judging.rules import CONTRADICTED, SUPPORTED
from analysis.judging.text import network_text
from analysis.paths import ROOT
from analysis.studies.explaining import one_map
from cluscam_lite.methods import METHODS
from cluscam_lite.metrics import evaluate
from cluscam_lite.models import LoadedModel
from cluscam_lite.show.drawing import denormalized

SHOWN = ("cluscam", "donor", "fakecam")
OPENING = {SUPPORTED: "Yes", CONTRADICTED: "No, as far as it was tested"}
# the claims that answer the book's question, the best first: id -> what its estimate is, in words
ANSWERS = {
    "C7n": "ClusCAM's maps raise the network's confidence on {estimate} percentage points more of the images than the "
    "same procedure with another image's masks",
    "C6b": "the masks of ClusCAM's groups change the logit by {estimate} against groups of the same sizes drawn at "
    "random",
}


def answer(table: pd.DataFrame) -> str:
    """One sentence with its interval, from the first claim of `ANSWERS` that is decided, on its largest network."""
    for claim, words in ANSWERS.items():
        mine = table[(table["claim"] == claim) & (table["model"] != "")]
        verdicts = claim_verdicts(mine)
        if not len(mine) or verdicts["verdict"].iloc[0] not in OPENING:
            continue
        row = mine.sort_values("n", ascending=False, kind="stable").iloc[0]
        estimate = f"{row['mean']:+.2f} [{row['low']:+.2f}, {row['high']:+.2f}]"
        said = words.format(estimate=estimate)
        where = f"on {network_text(row)} and {row['n']} photographs"
        counts = verdicts["counts"].iloc[0]
        return (
            f"{OPENING[verdicts['verdict'].iloc[0]]}: {where}, {said} (95 % interval; claim {claim} is {counts} of "
            f"{len(mine)} networks and layers)."
        )
    return "Not decided: none of the claims that ask this has a verdict either way."


@dataclass(frozen=True)
class Seen:
    """One image as the network sees it (H, W, 3), and each method's map (H, W) with its scores, in percent."""

    image: np.ndarray
    probability: float
    maps: dict[str, Tensor]
    scores: dict[str, dict[str, float]]


def seen(loaded: LoadedModel, image: Image.Image, seed: int, names: tuple[str, ...] = SHOWN) -> Seen:
    """The maps of some methods for the network's first choice, and what AD, IC and AG make of each."""
    spec, network = loaded.spec, loaded.module.eval()
    x = spec.preprocess()(image)[None]  # (1, 3, H, W)
    target = int(network(x).argmax())
    maps = {METHODS[name].title: one_map(loaded, name, "paper", x, seed) for name in names}
    scores = {
        title: evaluate(network, x, saliency, target, fills=("mean",), forms=("raw",))[0]
        for title, saliency in maps.items()
    }
    probability = 100 * next(iter(scores.values()))["probability"]
    return Seen(denormalized(x[0], spec.mean, spec.std), probability, maps, scores)


def scores_text(scores: dict[str, float]) -> str:
    """A map's scores in two lines: the masked probability, drop and gain."""
    return f"p {100 * scores['probability_masked']:.1f} %\ndrop {scores['drop']:.1f}, gain {scores['gain']:.1f}"


def own_folder(profile: str) -> Path | None:
    """The folder in which this copy's studies left their rows for a profile; None for the reference profile, whose
    rows are the ledger's own.
    """
    return None if profile == "reference" else ROOT / "out" / "studies" / profile
