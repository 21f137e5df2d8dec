"""Two splits of the Alzheimer slices: the paper's, and one that keeps near-duplicates together.

The paper trains on 5,120 images, validates on 380 and tests on 900 (Appendix A). The public train split has 5,120
images and the public test split 380 + 900, so the paper must have divided the latter. It does not say which 380.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import CluscamError

VALIDATION, TEST = 380, 900
SEED = 0
# Table 6's percentages are multiples of 100 / 1279: all public test images but the first
FROM = 1


def paper_parts(labels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Part -> numbers of its images; the images of the public test split are counted after those of the train split.

    "train", "validation" and "test" as in the paper, the last two stratified by class and in a random order, so that
    the first n are a sample of the part; "public_test": the whole public test split; "table6": the 1,279 images that
    Table 6 implies, which hold the validation part. `labels` are those of the public splits "train" and "test".
    """
    n_train, test = len(labels["train"]), labels["test"]
    rng = np.random.default_rng(SEED)
    chosen = _stratified(test, VALIDATION, rng)
    others = rng.permutation(np.setdiff1d(np.arange(len(test)), chosen))
    parts = {
        "train": np.arange(n_train),
        "validation": n_train + rng.permutation(chosen),
        "test": n_train + others,
        "public_test": n_train + np.arange(len(test)),
        "table6": n_train + np.arange(FROM, len(test)),
    }
    check_disjoint(parts)
    return parts


def component_parts(labels: np.ndarray, components: np.ndarray, shares: Mapping[str, float]) -> dict[str, np.ndarray]:
    """A split that puts no two images of a component in two parts.

    `labels`, `components` (N,) int; `shares`: part -> fraction of each class's components. The class of a component is
    that of most of its images. Within a class, components are dealt at random; a class with few components has one in
    "train" first, then one in "test", then one in "validation". Raises CluscamError if the shares do not add up to 1.
    """
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise CluscamError(f"the shares of the parts add up to {sum(shares.values()):g}; expected 1")
    rng = np.random.default_rng(SEED)
    names = np.unique(components)
    class_of = {c: np.bincount(labels[components == c]).argmax() for c in names}
    dealt: dict[str, list[int]] = {part: [] for part in shares}
    for k in np.unique(labels):
        mine = rng.permutation([c for c in names if class_of[c] == k])
        counts = dict(zip(shares, _counts(len(mine), list(shares.values())), strict=True))
        for part in (part for part in ("train", "test", "validation") if counts.get(part) == 0):
            largest = max(counts, key=counts.get)
            if counts[largest] > 1:
                counts[largest], counts[part] = counts[largest] - 1, 1
        for part, start, n in zip(shares, np.cumsum([0, *counts.values()]), counts.values(), strict=False):
            dealt[part] += mine[start : start + n].tolist()
    parts = {part: rng.permutation(np.flatnonzero(np.isin(components, mine))) for part, mine in dealt.items()}
    check_disjoint(parts, {part: components[numbers] for part, numbers in parts.items()})
    return parts


def check_disjoint(parts: Mapping[str, np.ndarray], groups: Mapping[str, np.ndarray] | None = None) -> None:
    """Raise CluscamError if an image (or a component, given as `groups`) is in two of train, validation and test."""
    for what, members in (("image", parts), ("component", groups or {})):
        exclusive = [part for part in ("train", "validation", "test") if part in members]
        for i, one in enumerate(exclusive):
            for other in exclusive[i + 1 :]:
                common = np.intersect1d(members[one], members[other])
                if len(common):
                    raise CluscamError(
                        f"the split puts {what} {common[0]} in two parts, {one} and {other}; give each {what} to one"
                    )
            if what == "image" and len(np.unique(members[one])) < len(members[one]):
                raise CluscamError(f"the split puts an image twice into the part {one}; give each image once")


def _stratified(labels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of n images, each class with its share of them (largest remainders)."""
    classes, sizes = np.unique(labels, return_counts=True)
    quotas = _counts(n, sizes / sizes.sum())
    chosen = [rng.permutation(np.flatnonzero(labels == k))[:m] for k, m in zip(classes, quotas, strict=True)]
    return np.sort(np.concatenate(chosen))


def _counts(n: int, shares: Sequence[float]) -> list[int]:
    """n as whole numbers in proportion to `shares`, the largest remainders rounded up."""
    exact = n * np.asarray(shares, dtype=float)
    counts = np.floor(exact + 1e-9).astype(int)
    for k in np.argsort(counts - exact, kind="stable")[: n - counts.sum()]:
        counts[k] += 1
    return counts.tolist()
