"""Algorithm 3 from rows: r at every size and seed, its bootstrap, and where EM starts and stops."""

import numpy as np
import pandas as pd
import pytest
from scores_by_size import two_heaps

from analysis import hyperparameters_evidence as evidence
from analysis import mixture_evidence as mixtures
from cluscam_lite.tuning import drop_ratio, fit_mixture


def test_r_is_algorithm_3_at_every_size_and_seed():
    rows = two_heaps()
    table = mixtures.ratio_table(rows)
    assert len(table) == 6 and (table["Table 3"] == 0.3712).all()
    for row in table.itertuples():
        mine = rows[(rows["n_clusters"] == row.K) & (rows["seed"] == row.seed)]
        assert row.r == pytest.approx(drop_ratio(mine["score"])) and row.r == pytest.approx(0.4, abs=0.08)


def test_the_bootstrap_of_r_is_scikit_learn_on_the_drawn_images():
    rows = two_heaps(n=9)
    found = mixtures.bootstrap_r("mobileone_s0", rows, draws=6)
    seeds, counts = evidence.resamples(2, 9, 6)
    images = rows["image_id"].unique()
    for r, seed, count in zip(found, seeds, counts, strict=True):
        mine = mixtures.scores_at(rows, 30, seed)
        drawn = [mine.loc[mine["image_id"] == image, "score"] for image, c in zip(images, count, strict=True)
                 for _ in range(c)]  # fmt: skip
        assert r == pytest.approx(drop_ratio(pd.concat(drawn)), abs=2e-4)
    assert mixtures.bootstrap_r("mobileone_s0", rows, draws=6) is found  # remembered
    other = rows.assign(score=rows["score"] * 2)
    assert mixtures.bootstrap_r("mobileone_s0", other, draws=6) is not found


def test_starts_and_stopping_rules():
    rows = two_heaps(seeds=(0,))
    rows["score"] = np.where(rows["score"] < -4, rows["score"] + 5.5, rows["score"])  # heaps that overlap
    starts = mixtures.start_table(rows)
    assert len(starts) == 4 * 3 * 2 and (starts["behind"] >= 0).all() and starts["behind"].min() == 0
    summary = mixtures.start_summary(starts).set_index("tolerance")
    early, still = summary.loc[mixtures.SKLEARN], summary.loc[mixtures.TOLERANCE]
    assert early["iterations"] < still["iterations"] and still["gap"] < 1e-3 < early["gap"]
    usual = fit_mixture(rows[rows["n_clusters"] == 30]["score"], tolerance=mixtures.SKLEARN)
    assert early["r"] == usual.drop_ratio and early["least"] <= early["r"] <= early["most"]
