"""The registry of explanation methods: one signature for ClusCAM and every rival."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING

from .errors import unknown

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .algorithm.targets import Target
    from .explanation import Explanation
    from .models import ModelSpec

    Explainer = Callable[[Tensor, Target], Explanation]

KINDS = ("cluscam", "rival", "null", "trivial")


@dataclass(frozen=True)
class MethodInfo:
    """What is known of a method before it runs.

    `home` is "module:Class" in this package, imported when first asked for, so that a list of methods is quick; or,
    for a method from outside it, the class itself. The class is called with the module, and, where it has such
    parameters, with `layer` and the model's own K, r, tau and normalisation; `fixed` are settings that make it this
    method. `kind`: "cluscam"; "rival"; "null" (ClusCAM's passes spent on masks that know nothing of its clusters);
    "trivial" (a map that knows nothing of the network).
    `gradients`: it needs backward passes. `paper`: where the paper has it ("tables", "figures", "text" or "").
    """

    name: str
    title: str
    description: str
    reference: str
    home: "str | Callable[..., Explainer]"
    kind: str = "rival"
    gradients: bool = False
    paper: str = ""
    fixed: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def factory(self) -> Callable[..., "Explainer"]:
        """The class behind the method."""
        if not isinstance(self.home, str):
            return self.home
        module, name = self.home.split(":")
        return getattr(import_module(f".{module}", __package__), name)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the settings that `method` takes."""
        taken = {"model", "layer", *self.fixed}
        return tuple(name for name in inspect.signature(self.factory).parameters if name not in taken)


CLUSCAM_PASSES = "spends ClusCAM's own number of passes"
FAMILY = "rivals.gradcam_family"

METHODS = {
    info.name: info
    for info in [
        MethodInfo(
            "cluscam",
            "ClusCAM",
            "groups the maps by K-Means++; weighs the groups' mean masks by their effect on the logit",
            "ClusCAM, Algorithm 1 and Eqs. 4 to 7",
            "cluscam:ClusCAM",
            kind="cluscam",
            paper="tables",
        ),
        MethodInfo(
            "gradcam",
            "GradCAM",
            "weighs the maps by the mean gradient of the logit",
            "Selvaraju et al. 2017, through the package grad-cam",
            f"{FAMILY}:GradCAM",
            gradients=True,
            paper="tables",
        ),
        MethodInfo(
            "gradcampp",
            "GradCAM++",
            "weighs the maps by positive gradients, each place by its share of the higher derivatives",
            "Chattopadhay et al. 2018, through the package grad-cam",
            f"{FAMILY}:GradCAMPlusPlus",
            gradients=True,
            paper="tables",
        ),
        MethodInfo(
            "scorecam",
            "ScoreCAM",
            "masks the input with every single map and weighs the maps by the softmax of the scores",
            "Wang et al. 2020, through the package grad-cam",
            f"{FAMILY}:ScoreCAM",
            paper="tables",
        ),
        MethodInfo(
            "ablationcam",
            "AblationCAM",
            "takes the maps out one by one and weighs them by the logit's relative fall",
            "Desai and Ramaswamy 2020, through the package grad-cam",
            f"{FAMILY}:AblationCAM",
            paper="tables",
        ),
        MethodInfo(
            "reciprocam",
            "ReciproCAM",
            "lights one place of the maps at a time and asks the head of the network for the probability",
            "Byun and Lee 2022; for transformers Byun and Lee 2024 (ViT-ReciproCAM)",
            "rivals.reciprocam:ReciproCAM",
            paper="tables",
        ),
        MethodInfo(
            "opticam",
            "OptiCAM",
            "optimises the weights of the maps on each image so that the masked image has the largest logit",
            "Zhang et al. 2024, objective 'plain', its authors' default",
            "rivals.opticam:OptiCAM",
            gradients=True,
            paper="tables",
            fixed={"objective": "plain"},
        ),
        MethodInfo(
            "opticam_norm",
            "OptiCAM (norm)",
            "the same with the objective that the masked image has an equal logit, as in ClusCAM's public code",
            "Zhang et al. 2024, objective 'norm'",
            "rivals.opticam:OptiCAM",
            gradients=True,
            fixed={"objective": "norm"},
        ),
        MethodInfo(
            "shapleycam",
            "ShapleyCAM",
            "weighs the maps by a second-order estimate of their Shapley values",
            "Cai 2025, through the package grad-cam",
            f"{FAMILY}:ShapleyCAM",
            gradients=True,
            paper="tables",
        ),
        MethodInfo(
            "layercam",
            "LayerCAM",
            "weighs every place of every map by its own positive gradient",
            "Jiang et al. 2021, through the package grad-cam",
            f"{FAMILY}:LayerCAM",
            gradients=True,
            paper="figures",
        ),
        MethodInfo(
            "polycam_plus",
            "PolyCAM+",
            "multiplies maps of several layers, weighed by what showing them adds",
            "Englebert et al. 2022",
            "rivals.polycam:PolyCAM",
            fixed={"variant": "plus"},
        ),
        MethodInfo(
            "polycam_minus",
            "PolyCAM-",
            "multiplies maps of several layers, weighed by what hiding them takes",
            "Englebert et al. 2022",
            "rivals.polycam:PolyCAM",
            fixed={"variant": "minus"},
        ),
        MethodInfo(
            "polycam",
            "PolyCAM±",
            "multiplies maps of several layers, weighed by both",
            "Englebert et al. 2022",
            "rivals.polycam:PolyCAM",
            paper="figures",
            fixed={"variant": "plus-minus"},
        ),
        MethodInfo(
            "xgradcam",
            "XGrad-CAM",
            "weighs the maps by gradients, each place by its share of the map",
            "Fu et al. 2020, through the package grad-cam",
            f"{FAMILY}:XGradCAM",
            gradients=True,
            paper="text",
        ),
        MethodInfo(
            "groupcam",
            "GroupCAM",
            "sums GradCAM's weighted maps in consecutive groups and weighs the groups' masks by their scores",
            "Zhang et al. 2021",
            "rivals.groupcam:GroupCAM",
            gradients=True,
            paper="text",
        ),
        MethodInfo(
            "cam",
            "CAM",
            "weighs the last maps by the classifier's own weights; for networks that average and classify",
            "Zhou et al. 2016",
            "rivals.cam:CAM",
            paper="text",
        ),
        MethodInfo(
            "donor",
            "Donor masks",
            f"the masks of another image, scored and weighed on this one: {CLUSCAM_PASSES}",
            "null method of this replication",
            "rivals.nulls:Donor",
            kind="null",
        ),
        MethodInfo(
            "smooth",
            "Smooth masks",
            f"random smooth masks, scored and weighed as clusters are: {CLUSCAM_PASSES}",
            "null method of this replication",
            "rivals.nulls:Smooth",
            kind="null",
        ),
        MethodInfo(
            "inverted",
            "Inverted ClusCAM",
            "one minus ClusCAM's map: the least salient first",
            "null method of this replication",
            "rivals.nulls:Inverted",
            kind="null",
        ),
        MethodInfo(
            "fakecam",
            "FakeCAM",
            "all ones, but for one pixel in a corner",
            "Poppi et al. 2021",
            "rivals.trivial:FakeCAM",
            kind="trivial",
        ),
        MethodInfo(
            "ones",
            "All ones",
            "the whole image, untouched",
            "trivial map",
            "rivals.trivial:Ones",
            kind="trivial",
        ),
        MethodInfo(
            "centre",
            "Centre",
            "a Gaussian in the middle of the image",
            "trivial map",
            "rivals.trivial:Centre",
            kind="trivial",
        ),
        MethodInfo(
            "random",
            "Random",
            "one random smooth map",
            "trivial map",
            "rivals.trivial:Random",
            kind="trivial",
        ),
        MethodInfo(
            "edges",
            "Edges",
            "how steep the picture's brightness is (Sobel), with no network at all",
            "trivial map, after Adebayo et al. 2018",
            "rivals.trivial:Edges",
            kind="trivial",
        ),
    ]
}


def method_names() -> list[str]:
    """The names that `method` takes."""
    return list(METHODS)


def method_info(name: str) -> MethodInfo:
    """The registry's entry. Raises UnknownName with the nearest names."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def method(name: str, module: "nn.Module", spec: "ModelSpec", layer: str = "paper", **settings: object) -> "Explainer":
    """A method ready to explain `module`: a callable ``(x (B, 3, H, W), target=None) -> Explanation``.

    `layer` is "paper", "last" or a dotted module name; `settings` override the method's defaults and the K, r and
    tau of `spec`. Raises UnknownName for an unknown method, layer or setting, CluscamError for a bad value, and
    NotApplicable (here or in the call) where the method cannot explain this network, with the reason.
    """
    info = method_info(name)
    for key in settings:
        if key not in info.parameters:
            raise unknown("parameter", key, info.parameters)
    own = {
        "layer": spec.layer(layer),
        "n_clusters": spec.n_clusters,
        "drop_ratio": spec.drop_ratio,
        "temperature": spec.temperature,
        "normalization": (spec.mean, spec.std),
    }
    factory = info.factory
    taken = inspect.signature(factory).parameters
    return factory(module, **{key: value for key, value in own.items() if key in taken} | info.fixed | settings)


def settings_of(name: str, explainer: "Explainer") -> dict[str, object]:
    """The settings that `explainer` runs with, those that can be written down: numbers, words and None."""
    plain = (int, float, str, type(None))
    info = method_info(name)
    found = {key: getattr(explainer, key, None) for key in (*info.parameters, *info.fixed)}
    return {key: value for key, value in found.items() if isinstance(value, plain)}
