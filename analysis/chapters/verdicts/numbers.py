"""The numbers behind the findings of the landing page, and how they are said."""

import pandas as pd

from analysis.page.charts import number
from analysis.page.panels import panels, wide
from analysis.statistics import bootstrap_interval
from cluscam_lite import get_spec
from cluscam_lite.errors import CluscamError
from cluscam_lite.methods import METHODS

SETTING = "r table 3, tau table 3"  # of the ablation: the full method's weighting


def must(true: bool, what: str) -> None:
    """Raise CluscamError unless the rows say what the page says."""
    if not true:
        raise CluscamError(
            f"the landing page says that {what}, but the rows no longer do; "
            "write what they say into analysis/chapters/verdicts/story.py"
        )


def blocks_of(table: pd.DataFrame, claim: str) -> pd.DataFrame:
    """The networks and layers of a claim of the ledger that have run."""
    found = table[(table["claim"] == claim) & (table["model"] != "")]
    must(len(found) > 0, f"claim {claim} has run")
    return found


def counted(table: pd.DataFrame, claim: str, verdict: str) -> str:
    """In how many networks and layers a claim has a word, "4 of 5"."""
    words = blocks_of(table, claim)["verdict"]
    return f"{int((words == verdict).sum())} of {len(words)}"


def between(values: pd.Series, digits: int = 1) -> str:
    """The smallest and the largest number, "0.2 to 2.1"; one number where they are the same when rounded."""
    low, high = number(min(values), digits), number(max(values), digits)
    return low if low == high else f"{low} to {high}"


def with_limits(row: pd.Series, mean: str = "mean", low: str = "low", high: str = "high", digits: int = 1) -> str:
    """An estimate with its interval, "−1.4 (−4.6 to 1.8)"."""
    return f"{number(row[mean], digits)} ({number(row[low], digits)} to {number(row[high], digits)})"


def increase_of(rows: pd.DataFrame, other: str) -> pd.DataFrame:
    """IC of ClusCAM and of another method on the images that both explained, a row for each network and layer.

    Columns: model, panel, family, n, `cluscam`, the other's name, and the `low` and `high` ends of the 95 % interval of
    ClusCAM's lead, all in percent of images.
    """
    found = []
    for model, panel, mine in panels(rows[rows["method"].isin(["cluscam", other])]):
        both = wide(mine, "increase").dropna()
        lead = bootstrap_interval((both["cluscam"] - both[other]).to_numpy())
        row = {"model": model, "panel": panel, "family": get_spec(model).family, "n": len(both)}
        found.append(row | both[["cluscam", other]].mean().to_dict() | {"low": lead.low, "high": lead.high})
    return pd.DataFrame(found)


def group_leads(logits: pd.DataFrame) -> pd.DataFrame:
    """How far groups of similar maps are ahead of one partition at random, in logits, a row for each network and layer.

    `mean`: the mean score of an image's groups, each counted once; `best`: its best group's. Means over the images.
    """
    groups = logits[(logits["group"] >= 0) & logits["masks"].isin(["kmeans", "random 000"])]
    of_image = groups.groupby(["model", "layer", "image_id", "masks"], sort=False)["score"].agg(["mean", "max"])
    wide_ = of_image.unstack()
    leads = {name: wide_[way, "kmeans"] - wide_[way, "random 000"] for name, way in (("mean", "mean"), ("best", "max"))}
    return pd.DataFrame(leads).groupby(level=["model", "layer"], sort=False).mean()


def localisation_errors(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean localisation error (Eq. 15, %) on each CNN: a column for each of the paper's eight methods, and `ones`.

    Each over the images with one box that the method explained. The column `last` says whether ClusCAM's is the largest
    against each of the seven others on the images that both explained, `blank` whether that of `ones` is smaller.
    """
    wanted = [*(name for name, info in METHODS.items() if info.paper == "tables"), "ones"]
    found = {}
    for model, _, mine in panels(rows[rows["method"].isin(wanted)]):
        if get_spec(model).family == "cnn":
            errors = wide(mine, "le")[wanted]
            pairs = {name: errors[["cluscam", name]].dropna().mean() for name in wanted if name != "cluscam"}
            worse = {name: bool(pair["cluscam"] > pair[name]) for name, pair in pairs.items()}
            blank = worse.pop("ones")
            found[model] = errors.mean().to_dict() | {"last": all(worse.values()), "blank": blank}
    return pd.DataFrame(found).T


def passes_of(ablation: pd.DataFrame, source: str) -> pd.Series:
    """Passes of the network for an image, by network, of a source of masks in the ablation."""
    mine = ablation[(ablation["method"] == source) & (ablation["setting"] == SETTING)]
    return mine.groupby("model", sort=False)["forward_passes"].mean()


def times_of(table: pd.DataFrame, claim: str) -> pd.Series:
    """The ratios of a claim about time, by network: "1.08 times [...]" of the ledger as 1.08."""
    blocks = blocks_of(table, claim).set_index("model")
    return blocks["text"].str.extract(r"^([\d.]+) times")[0].astype(float)


def in_words(n: int) -> str:
    """A small number as a word."""
    names = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return names[n] if n < len(names) else str(n)
