"""The study of running time (Section 4.4, Fig. 6): every method in passes of the network, ClusCAM phase by phase.

Each row holds the seconds of one piece of work (`item`) and those of a plain pass of the same network, timed just
before it in the same round. What is reported is their ratio; seconds are not comparable between machines.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from analysis.chapters.runtime.plan import BRUTE_FORCE, Block
from analysis.engine import Cell
from analysis.engine.contract import columns
from analysis.oracles.brute_force import brute_force_cluscam, brute_force_labels, full_maps
from analysis.oracles.timing import (
    PASSES_AT_ONCE,
    PHASES,
    FewerMaps,
    Phased,
    pass_seconds,
    phased,
    plain_passes,
    resized,
    timed,
)
from analysis.statistics.correlation import spearman
from analysis.studies.cost.counting import counting
from analysis.studies.cost.passes import Passes, Shape, passes_of
from analysis.studies.explaining import explainer_of, loaded, weights_of
from analysis.studies.plan import Plan, PlannedStudy
from analysis.studies.plans.file import names_in
from cluscam_lite import ClusCAM, get_spec, load_dataset
from cluscam_lite.algorithm.clustering import inertia
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import NotApplicable
from cluscam_lite.methods import METHODS, method_info
from cluscam_lite.models import LoadedModel

WHOLE, PASSES, AGREEMENT = "whole", "passes", "agreement"
NO_AGREEMENT = dict.fromkeys(("inertia_ratio", "rank_correlation", "max_difference"), float("nan"))


class Runtime(PlannedStudy):
    """The running time of every method, in passes of the network. Run it alone: what else runs is timed, too."""

    name, version, keys = "runtime", 1, ("image_id", "item", "repeat")
    columns = columns(
        str="image_id device reason item",
        int64="height threads repeat images K d backward_passes forward_passes through",
        float64="inertia_ratio rank_correlation max_difference seconds_pass seconds",
    )
    block = Block

    @property
    def known(self) -> tuple[str, ...]:
        """What may be timed."""
        return (*METHODS, BRUTE_FORCE)

    def own_lines(self, profile: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The lines of a profile of the user's own: its methods beside ClusCAM and brute force."""
        for line in super().own_lines(profile, usual):
            yield line | {"methods": ["cluscam", BRUTE_FORCE, *names_in(line["methods"], "methods")]}

    def spans(self, block: Block) -> list[tuple[int, int]]:
        """All images in one cell."""
        return [(0, block.images_on(device_name()))]

    def passes(self, block: Block, shape: Shape) -> Passes:
        """Each round's, with the round that warms up, and the plain passes beside them.

        Of ClusCAM the whole, its passes alone and its phases; brute force counts no more than its passes.
        """
        k = min(int(block.settings.get("n_clusters", get_spec(block.model).n_clusters)), shape.maps)
        rounds = block.repeats + (block.repeats > 1)
        unit = Passes(forward=1 + PASSES_AT_ONCE)
        own = Passes(forward=1 + k, groupings=1)
        if block.batch:
            return own * (2 + block.repeats) + Passes(forward=PASSES_AT_ONCE) * block.repeats + Passes(images=1)
        if block.method in ("cluscam", BRUTE_FORCE):
            work = own * (1 if block.variant else 3)
        else:
            work = passes_of(block.method, shape, k)
        return (unit + work) * rounds + Passes(images=1)

    def block_cells(self, plan: Plan, block: Block, seed: int) -> Iterator[Cell]:
        """One method on one network to a cell, with the plain passes that it is held against."""
        spec, device = get_spec(block.model), device_name()
        settings = {"weights": weights_of(spec.name), "device": device, "repeats": block.repeats}
        settings |= {"batch": block.batch}
        if groups(block.method):
            settings |= {"n_clusters": spec.n_clusters, "drop_ratio": spec.drop_ratio, "temperature": spec.temperature}
        images = load_dataset(plan.dataset, part=plan.part, n=block.images_on(device)).ids
        about = {"variant": block.variant, "settings": settings | dict(block.settings)}
        yield self.cell(plan, block, block.method, images, seed, **about)

    def run(self, cell: Cell, progress: Callable[[int], None]) -> pd.DataFrame:
        """The rows of a cell: rounds over the images, each of a few plain passes and then the work itself."""
        model = loaded(cell.model)
        samples = load_dataset(cell.dataset, part=cell.part)
        preprocess = model.spec.preprocess()
        x = torch.stack([preprocess(samples[samples.ids.index(i)].image) for i in cell.images])
        x = x.to(next(model.module.parameters()).device)
        if size := cell.settings.get("size"):
            x = resized(x, size)
        rows = list(batch_rows(cell, model, x) if cell.settings["batch"] else single_rows(cell, model, x, progress))
        facts = {"height": x.shape[-2], "threads": torch.get_num_threads(), "device": cell.settings["device"]}
        return pd.DataFrame([facts | NO_AGREEMENT | {"reason": ""} | row for row in rows])


def groups(name: str) -> bool:
    """Whether a method takes the network's K, r and tau."""
    return name == BRUTE_FORCE or {"n_clusters", "drop_ratio"} <= {*method_info(name).parameters}


def device_name() -> str:
    """Where networks run here: "cuda" or "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def cam_of(cell: Cell, model: LoadedModel) -> ClusCAM:
    """The cell's ClusCAM: its own K, number of maps, back end and precision."""
    keys = ("n_clusters", "drop_ratio", "temperature", "backend", "precision")
    own = {key: cell.settings[key] for key in keys if key in cell.settings}
    cam = ClusCAM.from_spec(model.spec, model.module, cell.layer, seed=cell.seed, **own)
    if n := cell.settings.get("n_maps"):
        cam.model = FewerMaps(cam.model, n)
    return cam


def single_rows(cell: Cell, model: LoadedModel, x: Tensor, progress: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    """Images one by one. The first round warms up and is not kept, unless each image is timed only once."""
    repeats = cell.settings["repeats"]
    work = partial(cluscam_items, cell, model) if groups_here(cell) else partial(method_items, cell, model)
    for round_ in range(repeats if repeats == 1 else repeats + 1):
        repeat = round_ - (repeats > 1)
        for image_id, image in zip(cell.images, x.split(1), strict=True):
            known = {"image_id": image_id, "repeat": repeat, "images": 1}
            try:
                items = list(work(image, image_id))
            except NotApplicable as error:
                if repeat >= 0:
                    yield known | NOTHING | {"reason": str(error)}
                continue
            if repeat >= 0:
                yield from (known | item for item in items)
        progress(max(0, (repeat + 1) * len(cell.images) // repeats))


NOTHING = {"item": WHOLE, "K": 0, "d": 0, "forward_passes": 0, "backward_passes": 0, "through": 0} | dict.fromkeys(
    ("seconds", "seconds_pass"), float("nan")
)


def groups_here(cell: Cell) -> bool:
    """ClusCAM by either way, which is timed in parts."""
    return cell.method in ("cluscam", BRUTE_FORCE)


def cluscam_items(cell: Cell, model: LoadedModel, x: Tensor, _image_id: str) -> Iterator[dict[str, Any]]:
    """One round of ClusCAM on one image: the whole, the passes alone, and its phases; of brute force, its clustering.

    Where a variant's growth is timed, the phases are enough.
    """
    cam, brute = cam_of(cell, model), cell.method == BRUTE_FORCE
    maps, _ = cam.model.forward(x)
    k, d = cam.n_clusters, maps.shape[1]
    known = {"K": k, "d": d, "backward_passes": 0, "seconds_pass": pass_seconds(cam.model, x)}
    if not cell.variant:
        settings = (cam.drop_ratio, cam.temperature, cam.seed)
        whole = partial(brute_force_cluscam, cam.model, x, k, *settings) if brute else partial(cam, x)
        for item, work in ((WHOLE, whole), (PASSES, partial(plain_passes, cam.model, x, k))):
            with counting(model.module) as count:
                seconds = timed(work, x.device)
            yield known | {"item": item, "forward_passes": k + 1, "through": count.forward, "seconds": seconds}
    if brute:
        seconds = timed(lambda: brute_force_labels(full_maps(maps[0], x.shape[-2:]), k, cam.seed), x.device)
        yield known | {"item": "clustering", "forward_passes": 0, "through": 0, "seconds": seconds}
    else:
        yield from phase_rows(phased(cam, x), known, k)


def phase_rows(found: Phased, known: Mapping[str, Any], k: int) -> Iterator[dict[str, Any]]:
    """A row for each phase, with the passes per image that fall into it."""
    passes = {"features": 1, "scoring": k}
    for phase in PHASES:
        n = passes.get(phase, 0)
        yield {**known, "item": phase, "forward_passes": n, "through": n, "seconds": found.seconds[phase]}


def method_items(cell: Cell, model: LoadedModel, x: Tensor, image_id: str) -> Iterator[dict[str, Any]]:
    """One round of any other method on one image. `through`: images that went through the network or its head."""
    explainer = explainer_of(cell, model, model.spec.preprocess(), image_id, None)
    hooked = HookedModel(model.module, model.spec.layer(cell.layer))
    d = hooked.forward(x)[0].shape[1]
    unit = pass_seconds(hooked, x)
    made: list[Any] = []
    with counting(model.module) as count:
        seconds = timed(lambda: made.append(explainer(x)), x.device)
    yield {
        "item": WHOLE,
        "K": cell.settings.get("n_clusters", 0),
        "d": d,
        "forward_passes": made[0].forward_passes,
        "backward_passes": made[0].backward_passes,
        "through": count.forward,
        "seconds": seconds,
        "seconds_pass": unit,
    }


def batch_rows(cell: Cell, model: LoadedModel, x: Tensor) -> Iterator[dict[str, Any]]:
    """All images at once: the phases, timed for the batch; and how far each image's result is from the reference's.

    The reference is K-Means by torch with passes in float32 for a bfloat16 cell, and scikit-learn's for a float32 one.
    """
    cam, reference = cam_of(cell, model), cam_of(cell, model)
    reference.precision = "float32"
    if cam.precision == "float32":
        reference.backend = "sklearn"
    expected, found = phased(reference, x), phased(cam, x)  # these also warm up
    b, k, d = len(x), cam.n_clusters, found.points.shape[1]
    known = {"images": b, "K": k, "d": d, "backward_passes": 0}
    nothing = {"item": AGREEMENT, "repeat": 0, "forward_passes": 0, "through": 0}
    nothing |= dict.fromkeys(("seconds", "seconds_pass"), float("nan"))
    lower, higher = inertia(found.points, found.labels), inertia(expected.points, expected.labels)
    for i, image_id in enumerate(cell.images):
        ours, theirs = (one.saliency[i].flatten().cpu() for one in (found, expected))
        agreed = {"inertia_ratio": float(lower[i] / higher[i]), "rank_correlation": spearman(ours, theirs)}
        agreed["max_difference"] = float((ours - theirs).abs().max())
        yield known | nothing | {"image_id": image_id} | agreed
    for repeat in range(cell.settings["repeats"]):
        unit = pass_seconds(cam.model, x)
        round_ = known | {"image_id": cell.images[0], "repeat": repeat, "seconds_pass": unit}
        yield from phase_rows(phased(cam, x), round_, k)


STUDY = Runtime()
