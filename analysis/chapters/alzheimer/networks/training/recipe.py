"""A recipe: everything that shapes the weights of a training run, except the machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from cluscam_lite.algorithm.inputs import check_seed
from cluscam_lite.errors import CluscamError, unknown
from cluscam_lite.models import ModelSpec, get_spec
from cluscam_lite.models.runs import CLASSES_OF, SIZES, RunName, spec_of_run, trainable

LABELS = ("true", "shuffled")
SPLITS = ("paper", "components")
STARTS = ("auto", "pretrained", "scratch")
PRECISIONS = ("auto", "float32", "bfloat16")
# peak learning rate by family, and whether the weights are pretrained
RATES = {("cnn", False): 1e-3, ("cnn", True): 3e-4, ("transformer", False): 5e-4, ("transformer", True): 2e-4}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained.

    `size`: side of the input in pixels. `labels`: "shuffled" permutes the labels of the training and validation images,
    so that a network can only memorise them. `split`: "components" keeps near-duplicates in one part. `start`: "auto"
    takes pretrained weights if there are any. `images`: number of phantoms drawn for training (the Alzheimer set is
    always used whole). `learning_rate`: the peak; None takes it from `RATES`. `patience`: training stops after this
    many epochs without a better balanced accuracy on the validation images. `precision`: "auto" is mixed (bfloat16 or
    float16) on a GPU and float32 on a CPU.
    """

    model: str
    dataset: str = "alzheimer_mri"
    size: int = 128
    epochs: int = 10
    seed: int = 0
    labels: str = "true"
    split: str = "paper"
    start: str = "auto"
    images: int = 1600
    batch_size: int = 32
    learning_rate: float | None = None
    weight_decay: float = 0.05
    warmup: float = 0.05  # share of all steps in which the learning rate rises
    patience: int = 5
    precision: str = "auto"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("network", self.model, trainable()),
            ("data set to train on", self.dataset, CLASSES_OF),
            ("labels", self.labels, LABELS),
            ("split", self.split, SPLITS),
            ("start", self.start, STARTS),
            ("precision", self.precision, PRECISIONS),
        ):
            if value not in known:
                raise unknown(what, value, known)
        if self.size not in SIZES:
            raise CluscamError(f"the size is {self.size} pixels; expected {' or '.join(map(str, SIZES))}")
        for what in ("epochs", "batch_size", "images", "patience"):
            if getattr(self, what) < 1:
                raise CluscamError(f"{what} is {getattr(self, what)}; expected a whole number of at least 1")
        check_seed(self.seed)
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:  # NaN is not above 0 either
            raise CluscamError(f"learning_rate is {self.learning_rate:g}; expected more than 0, at most 1")
        if self.dataset == "phantoms" and self.split != "paper":
            raise CluscamError("the phantoms are of one slice each and have no components; leave out split")

    @property
    def spec(self) -> ModelSpec:
        """The spec of the backbone, as published."""
        return get_spec(self.model)

    def peak_rate(self, pretrained: bool) -> float:
        """The largest learning rate of a run from pretrained weights, or from scratch."""
        return RATES[self.spec.family, pretrained] if self.learning_rate is None else self.learning_rate

    @property
    def run(self) -> RunName:
        """The parts of the run's name."""
        return RunName(self.model, self.dataset, self.size, self.labels, self.split, self.seed)

    @property
    def name(self) -> str:
        """The name of the run, fit for a folder."""
        return str(self.run)

    @property
    def title(self) -> str:
        """The run in words, for tables and figures."""
        return self.run.title

    def trained_spec(self) -> ModelSpec:
        """The spec of the network that this recipe trains."""
        return spec_of_run(self.run)

    def to_dict(self) -> dict[str, Any]:
        """The recipe as JSON can hold it."""
        return asdict(self)


def recipe_for(model: str, **settings: Any) -> Recipe:
    """The default recipe of a network with `settings` changed; a setting of None keeps its default.

    Raises UnknownName or CluscamError for a bad setting.
    """
    return Recipe(model=model, **{key: value for key, value in settings.items() if value is not None})


def recipe_of(name: str) -> Recipe | None:
    """The recipe that the name of a run tells, defaults for the rest; None if it is not the name of a run."""
    run = RunName.parse(name)
    return None if run is None else Recipe(**asdict(run))


def same_recipe(recipe: Recipe, stored: Mapping[str, Any], where: str) -> None:
    """Raise CluscamError unless `stored` equals the recipe: a run is resumed with the settings it began with."""
    mine = recipe.to_dict()
    if mine["model"] != stored.get("model"):
        raise CluscamError(
            f"{where} holds a training of {stored.get('model')}, not of {mine['model']}; choose another folder"
        )
    for key, value in mine.items():
        if stored.get(key) != value:
            raise CluscamError(
                f"{where} holds a training with {key} {stored.get(key)}, not {value}; choose another folder, or the "
                "same settings to go on with it"
            )
