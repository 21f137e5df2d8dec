"""What the `alzheimer` chapter puts together: phantoms explained now, and figures of the reference run beside them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from analysis.chapters.alzheimer.evidence import rank_table, sanity_table
from analysis.chapters.alzheimer.figures import class_pictures, panel_words, ranks_figure
from analysis.chapters.alzheimer.maps.class_maps import class_means
from analysis.chapters.alzheimer.maps.ground_mask import mask_measures, masks_of_image
from analysis.chapters.alzheimer.networks.trained import network
from analysis.chapters.alzheimer.plan import OTHER_SEEDS, VIT
from analysis.chapters.alzheimer.sanity import STUDY as SANITY
from analysis.chapters.alzheimer.study import STUDY
from analysis.chapters.alzheimer.tables import reference
from analysis.engine import Cell
from analysis.page.grid import picture_grid
from analysis.page.panels import prepared
from analysis.page.tables import styled
from analysis.studies.explaining import explainer_of
from analysis.studies.plans.profile import profile_name
from analysis.studies.rows import NOT_RUN, study_rows
from cluscam_lite import get_spec, load_dataset
from cluscam_lite.datasets.alzheimer.source import CLASSES
from cluscam_lite.datasets.phantoms.phantom import Phantom
from cluscam_lite.datasets.phantoms.samples import phantom_of
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import method_info

SIDE = 180  # pixels of a mean map
PHANTOM_NETWORKS = ("phantom_cnn", "phantom_vit")


def phantom_rows(profile: str, n_images: int, seed: int) -> dict[str, pd.DataFrame]:
    """Both studies' rows on phantoms, run now: those of the profile's plan, or of the first `n_images` phantoms.

    Of the reference profile they are those of "embedded": its own plan is about the slices, and takes days.
    """
    asked: dict[str, Any] = {"profile": profile, "n_images": n_images, "seed": seed}
    name = profile_name(asked)
    if name == "reference":
        asked = {"profile": "embedded"}
    elif name not in STUDY.plan_file().plans:
        asked |= {"dataset": "phantoms", "models": list(PHANTOM_NETWORKS)}
    return {"alzheimer": study_rows(STUDY, asked), "sanity": study_rows(SANITY, asked)}


def example(
    model: str, layer: str, number: int, names: Sequence[str]
) -> tuple[Phantom, dict[str, Tensor], dict[str, float]]:
    """Test phantom `number`, the maps (H, W) of several methods by their titles, and their AUC, percent.

    Methods that cannot explain the network are left out. Raises UnknownName for an unknown method.
    """
    samples, loaded = load_dataset("phantoms", n=number + 1), network(model)
    sample, preprocess = samples[number], loaded.spec.preprocess()
    donor = load_dataset("phantoms", part="validation", n=1)[0]
    maps, said = {}, {}
    for name in names:
        cell = Cell("alzheimer", 1, "phantoms", "test", model, layer, name, (sample.image_id,))
        lent = donor if name == "donor" else None
        try:
            explainer = explainer_of(cell, loaded, preprocess, sample.image_id, lent)
            saliency = explainer(preprocess(sample.image)[None]).saliency[0].cpu()
        except NotApplicable:
            continue
        title = method_info(name).title
        maps[title], said[title] = saliency, mask_measures(saliency, *masks_of_image(sample.image_id))["auc_mask"]
    return phantom_of(sample.image_id), maps, said


def mean_maps(rows: pd.DataFrame, model: str, panel: str, names: Sequence[str]) -> dict[str, dict]:
    """Title of a method -> its mean map of each class under one network, of those that ran."""
    found, ready = {}, prepared(rows)
    for name in names:
        mine = ready[(ready["model"] == model) & (ready["panel"] == panel) & (ready["method"] == name)]
        mine = mine[mine["variant"] == ""]
        if means := class_means(mine):
            found[method_info(name).title] = means
    return found


def sanity() -> pd.DataFrame:
    """The `sanity_table` of the reference run; empty where it has not run."""
    return sanity_table(reference("sanity"))


def sanity_text(table: pd.DataFrame, name: str) -> str:
    """The least and greatest likeness of a method's maps under a trained and a random network, in words."""
    mine = table.query("method == @name and extent == 'all' and reason == ''")
    return f"{mine['rho'].min():.2f} to {mine['rho'].max():.2f}" if len(mine) else NOT_RUN


def reference_means(model: str, panel: str, names: Sequence[str]) -> Any:
    """The mean maps of one network's classes in the reference run as pictures; a table that says so without any."""
    means = class_pictures(mean_maps(reference(), model, panel, names), CLASSES)
    return picture_grid(means, side=SIDE) if means else not_run(f"Mean maps of {get_spec(model).title}")


def likeness_text(model: str, panel: str, first: str, second: str) -> str:
    """How alike the class means of two methods are in the reference run: Pearson's r over classes, "0.97 to 0.99"."""
    means = mean_maps(reference(), model, panel, (first, second))
    one, other = (means.get(method_info(name).title, {}) for name in (first, second))
    both = [np.corrcoef(one[k][0].ravel(), other[k][0].ravel())[0, 1] for k in one if k in other]
    return f"{min(both):.2f} to {max(both):.2f}" if both else NOT_RUN


def ranks() -> pd.DataFrame:
    """The `rank_table` over training seeds of the reference run; empty where the three networks have not all run."""
    return rank_table(reference(), (VIT, *OTHER_SEEDS))


def ranks_text(table: pd.DataFrame, name: str) -> str:
    """A method's best and worst rank under the networks at each layer, in words."""
    found = []
    for row in table[table["method"] == name].to_dict("records"):
        span = " to ".join(f"{rank:g}" for rank in sorted({min(row["ranks"]), max(row["ranks"])}))
        found.append(f"{span} of {(table['panel'] == row['panel']).sum()} ({panel_words(row['panel'])})")
    return ", ".join(found) or NOT_RUN


def reference_ranks(table: pd.DataFrame) -> Any:
    """The figure of ranks over training seeds; a table that says so where the three networks have not all run."""
    return ranks_figure(table) if len(table) else not_run("The study over three training seeds")


def not_run(what: str) -> Any:
    """A table in the place of a figure whose study has not run."""
    return styled(pd.DataFrame({what: [NOT_RUN]}))
