"""The settings of the ablation: the factorial of r and tau, and the weightings that are none of it."""

from dataclasses import dataclass

from cluscam_lite.algorithm.weighting import temperature
from cluscam_lite.explanation import ClusteredExplanation

RATIOS = ("0", "table 3", "0.5")
TEMPERATURES = ("table 3", "1", "50")
OTHERS = ("logit", "logit_shifted", "uniform", "best")
FULL, UNIFORM = "r table 3, tau table 3", "uniform"
# a bar of the paper's Fig. 5 -> the setting that it is
FIGURE_5 = {
    "full": FULL,
    "only temperature softmax": "r 0, tau table 3",
    "dropout and softmax": "r table 3, tau 1",
    "only softmax": "r 0, tau 1",
    "only logit": "logit",
}
MATCHED = (FULL, UNIFORM)  # settings whose maps are also evaluated at a coverage of one half


@dataclass(frozen=True)
class Setting:
    """One way from scores to a map: `ratio` and `temperature` as numbers, or a weighting that takes neither."""

    name: str
    ratio: float | None
    temperature: float | None
    weighting: str = "cluscam"

    def apply(self, explanation: ClusteredExplanation) -> ClusteredExplanation:
        """The explanation under this setting, without a forward pass."""
        return explanation.reweigh(self.ratio, self.temperature, self.weighting)


def settings_of(n_clusters: int, drop_ratio: float) -> tuple[Setting, ...]:
    """All settings at a network's K and r of Table 3; its tau is Eq. 10's number, whatever is then dropped."""
    ratios = dict(zip(RATIOS, (0.0, drop_ratio, 0.5), strict=True))
    temperatures = dict(zip(TEMPERATURES, (temperature(n_clusters, drop_ratio), 1.0, 50.0), strict=True))
    grid = [Setting(f"r {r}, tau {t}", ratios[r], temperatures[t]) for r in RATIOS for t in TEMPERATURES]
    return (*grid, *(Setting(name, None, None, name) for name in OTHERS))
