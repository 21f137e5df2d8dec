"""Checks of the assignment on a claim: sealed before its rows are made, tested in pairs, judged by its interval."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.coursework.answers import NotRight, answer, right
from analysis.statistics import bootstrap_interval, mcnemar
from cluscam_lite import load_dataset, load_model
from cluscam_lite.datasets import Samples
from cluscam_lite.errors import CluscamError, check_known
from cluscam_lite.files import atomic_path
from cluscam_lite.methods import method_names
from cluscam_lite.metrics import evaluate

FIELDS = {
    "claim": str,  # a sentence that can be false
    "model": str,  # a name that `load_model` takes
    "dataset": str,  # a name that `load_dataset` takes
    "n_images": int,
    "method": str,  # the two that are compared, by names of the registry
    "rival": str,
    "smallest": float,  # the smallest difference that counts, in points
    "against": str,  # which result would speak against the claim
}
FEWEST_IMAGES = 10
WORDS = ("supported", "reversed", "negligible", "undecided")


def check_claim(claim: Mapping[str, Any]) -> None:
    """Check a written claim, a mapping with `FIELDS`. Raises NotRight with what is wrong."""
    require_claim(claim)
    right("the claim can be tested, and can fail.")


def require_claim(claim: Mapping[str, Any]) -> None:
    """Raise NotRight unless the claim has all `FIELDS` and compares two known methods on enough images."""
    for name, kind in FIELDS.items():
        if name not in claim:
            raise NotRight(f"the claim has no {name!r}")
        value = claim[name]
        if not isinstance(value, (int, float) if kind is float else kind) or isinstance(value, bool):
            raise NotRight(f"{name!r} of the claim is {value!r}, but must be of type {kind.__name__}")
        if kind is str and not value.strip(" ."):
            raise NotRight(f"{name!r} of the claim is empty")
    for role in ("method", "rival"):
        try:
            check_known("method", claim[role], method_names())
        except CluscamError as error:
            raise NotRight(f"{role!r} of the claim: {error}") from error
    if claim["method"] == claim["rival"]:
        raise NotRight(f"the claim compares {claim['method']!r} with itself")
    if not claim["smallest"] > 0:
        raise NotRight("'smallest' of the claim must be above 0: which difference, in points, would matter to you?")
    if claim["n_images"] < FEWEST_IMAGES:
        raise NotRight(f"{claim['n_images']} images can hardly show anything; take at least {FEWEST_IMAGES}")


def fingerprint_of(claim: Mapping[str, Any]) -> str:
    """SHA-256, 64 hexadecimal digits, of the claim as JSON with its keys in order."""
    return sha256(json.dumps(dict(claim), sort_keys=True).encode()).hexdigest()


def check_fingerprint(fingerprint: Callable[[Mapping[str, Any]], str]) -> None:
    """Check ``fingerprint(claim) -> str``, which must be `fingerprint_of`. Raises NotRight with what is wrong."""
    claim = {"claim": "a > b", "smallest": 5.0, "n_images": 40}
    found = answer(fingerprint, claim)
    if not isinstance(found, str) or len(found) != 64:
        raise NotRight("fingerprint must give the 64 hexadecimal digits of a SHA-256, as hexdigest() does")
    if answer(fingerprint, dict(reversed(claim.items()))) != found:
        raise NotRight("fingerprint depends on the order of the keys; use json.dumps(claim, sort_keys=True)")
    if answer(fingerprint, claim | {"smallest": 6.0}) == found:
        raise NotRight("fingerprint is the same for a claim with another number; it must depend on the values, too")
    if found != fingerprint_of(claim):
        raise NotRight("fingerprint is not the SHA-256 of json.dumps(claim, sort_keys=True).encode()")
    right("the same claim has the same fingerprint, another claim another one.")


def seal(claim: Mapping[str, Any], path: Path | str, now: datetime | None = None) -> str:
    """Write the claim with its fingerprint and the time to the file `path`, and return the fingerprint.

    A file of the same claim stays as it is. Raises NotRight if the file holds another claim, or the claim is not whole.
    """
    require_claim(claim)
    path, mark = Path(path), fingerprint_of(claim)
    if path.exists():
        try:
            sealed = json.loads(path.read_text(encoding="utf-8"))["fingerprint"]
        except (ValueError, KeyError, TypeError) as error:
            raise NotRight(f"{path.name} is not a sealed claim; delete it to seal yours") from error
        if sealed != mark:
            raise NotRight(
                "the claim was changed after it was sealed; put the old one back, or "
                f"delete {path.name}, seal anew, and say so in your report"
            )
        return mark
    when = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with atomic_path(path) as temporary:
        temporary.write_text(
            json.dumps({"claim": dict(claim), "fingerprint": mark, "sealed": when}, indent=1) + "\n", encoding="utf-8"
        )
    return mark


def check_sealed(claim: Mapping[str, Any], mark: str, path: Path | str) -> None:
    """Check that the claim, the fingerprint `mark` and the sealed file agree. Raises NotRight with what does not."""
    if not Path(path).exists():
        raise NotRight("the claim is not sealed yet; run the cell with seal(...) first")
    if seal(claim, path) != mark:
        raise NotRight("the fingerprint is not that of the sealed claim")
    right(f"sealed before any row was made, as {mark[:12]}.")


def images_of(claim: Mapping[str, Any], seed: int = 0) -> Samples:
    """The claim's images. Raises CluscamError if there are not so many."""
    options = {"seed": seed} if claim["dataset"] in ("scenes", "badges", "phantoms") else {}
    return load_dataset(claim["dataset"], n=claim["n_images"], **options)


def check_rows(rows: pd.DataFrame, claim: Mapping[str, Any], mark: str, explain: Callable[..., Any]) -> None:
    """Check the rows: `image`, `method`, `increase` (0 or 100) and `claim`, one for each image and method.

    Args:
        rows: the student's.
        claim, mark: sealed, and its fingerprint.
        explain: ``explain(name) -> explainer`` of the claim's network, for the rows that are made again.

    Raises NotRight with what is wrong.
    """
    if not isinstance(rows, pd.DataFrame):
        raise NotRight("rows must be a pandas DataFrame; is rows_of written?")
    if missing := [name for name in ("image", "method", "increase", "claim") if name not in rows]:
        raise NotRight(f"the rows have no column {missing[0]!r}")
    if set(rows["claim"]) != {mark}:
        raise NotRight("the column 'claim' must hold the sealed fingerprint in every row")
    methods = [claim["method"], claim["rival"]]
    if set(rows["method"]) != set(methods):
        raise NotRight(f"the rows must be of the methods {methods[0]} and {methods[1]}, and of no other")
    samples = images_of(claim)
    for name in methods:
        found = rows.loc[rows["method"] == name, "image"]
        if found.duplicated().any():
            raise NotRight(f"an image has more than one row of {name}")
        if set(found) != set(samples.ids):
            raise NotRight(f"{name} has rows of {len(found)} images; expected the same {len(samples)} for both methods")
    if not set(rows["increase"].astype(float)) <= {0.0, 100.0}:
        raise NotRight("'increase' must be 0 or 100 in every row")
    loaded = load_model(claim["model"])
    for sample in (samples[0], samples[len(samples) // 2], samples[-1]):
        x = loaded.spec.preprocess()(sample.image)[None]
        for name in methods:
            e = explain(name)(x)
            (again,) = evaluate(loaded.module, x, e.saliency, int(e.target[0]), fills=["mean"], forms=["raw"])
            told = float(rows.loc[(rows["image"] == sample.image_id) & (rows["method"] == name), "increase"].iloc[0])
            if told != again["increase"]:
                raise NotRight(
                    f"the increase of {name} on the image {sample.image_id} is {told:g} in your rows, but "
                    f"{again['increase']:g} when it is made again"
                )
    right(f"{len(rows)} rows, each with the fingerprint of the claim.")


def check_mcnemar(mcnemar_p: Callable[[Sequence[bool], Sequence[bool]], float]) -> None:
    """Check ``mcnemar_p(first, second) -> p``: exact, two-sided, of the discordant pairs. Raises NotRight otherwise."""
    first = np.array([1] * 30 + [1] * 9 + [0] * 2 + [0] * 19, dtype=bool)
    second = np.array([1] * 30 + [0] * 9 + [1] * 2 + [0] * 19, dtype=bool)
    for a, b in ((first, second), (second, first), (first, first)):
        found = float(answer(mcnemar_p, a.copy(), b.copy()))
        wanted = mcnemar(a, b).exact.p if (a != b).any() else 1.0
        if abs(found - wanted) <= 1e-9:
            continue
        if (a == b).all():
            raise NotRight(f"where both sides are equal on every image, p is 1, but mcnemar_p gives {found:.3g}")
        if abs(found - wanted / 2) < 1e-9 or abs(found - (1 - wanted / 2)) < 0.05:
            raise NotRight("mcnemar_p is one-sided; the claim could have failed either way, so double the smaller side")
        raise NotRight(
            f"mcnemar_p gives {found:.3g} where 9 images speak for one side and 2 for the other; expected "
            f"{wanted:.3g}: only the images on which the two differ count, and each is a fair coin"
        )
    right("only the images on which the two differ count.")


def check_interval(interval: Callable[[np.ndarray, np.ndarray], tuple[float, float]]) -> None:
    """Check ``interval(first, second) -> (low, high)``, 95 % by bootstrap, of the mean of first - second, in points."""
    rng = np.random.default_rng(4)
    shared = np.where(rng.random(200) < 0.5, 100.0, 0.0)
    first, second = shared.copy(), shared.copy()
    first[:24], second[:24] = 100, 0  # on these the two differ
    wanted = bootstrap_interval(first - second)
    found = answer(interval, first.copy(), second.copy())
    if not isinstance(found, tuple | list) or len(found) != 2:
        raise NotRight("interval must give two numbers, the lower and the upper limit")
    low, high = (float(end) for end in found)
    if not low < wanted.estimate < high:
        raise NotRight(
            f"interval gives {low:.1f} to {high:.1f}, without the mean difference, {wanted.estimate:.1f}, in it"
        )
    width, right_width = high - low, wanted.high - wanted.low
    if width > 1.5 * right_width:
        raise NotRight(
            f"interval is {width:.1f} points wide; expected about {right_width:.1f}: draw images, "
            "and take both methods' numbers of the same image together"
        )
    if width < 0.7 * right_width:
        raise NotRight(
            f"interval is {width:.1f} points wide; expected about {right_width:.1f}: draw as many "
            "images as there are, and take the 2.5th and the 97.5th percentile of the means"
        )
    right("images are drawn, and both methods are read on the same ones.")


def check_verdict(verdict: Callable[[float, float, float, float], str]) -> None:
    """Check ``verdict(estimate, low, high, smallest) -> word``, one of `WORDS`.

    Raises NotRight with a case that fails.
    """
    cases = {
        (12.0, 6.0, 18.0, 5.0): "supported",
        (-12.0, -18.0, -6.0, 5.0): "reversed",
        (1.0, -2.0, 4.0, 5.0): "negligible",
        (2.0, 1.0, 3.0, 5.0): "negligible",  # surely above 0, and surely too small to count
        (9.0, -3.0, 21.0, 5.0): "undecided",
        (4.0, 1.0, 7.0, 5.0): "undecided",  # above 0, but perhaps too small to count
        (-9.0, -21.0, 3.0, 5.0): "undecided",
    }
    for numbers, wanted in cases.items():
        found = answer(verdict, *numbers)
        if found not in WORDS:
            raise NotRight(f"verdict gives {found!r}; expected one of {', '.join(WORDS)}")
        if found != wanted:
            estimate, low, high, smallest = numbers
            raise NotRight(
                f"verdict says {found!r} of {estimate:g} points ({low:g} to {high:g}) where {smallest:g} count; "
                f"expected {wanted!r}"
            )
    right("the same standard for either side.")
