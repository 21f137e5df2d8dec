"""Algorithm 3 from rows: r at every size and seed, its bootstrap, and where EM starts and stops."""

import numpy as np
import pandas as pd
import pytest
from scores_by_size import two_heaps

from analysis.chapters.hyperparameters import evidence, ratio_draws
from analysis.chapters.hyperparameters import mixture_evidence as mixtures
from analysis.chapters.hyperparameters.claims import evidence as claim_evidence
from analysis.chapters.hyperparameters.study import STUDY
from analysis.page.panels import blocks
from analysis.paper.claims import claims_of
from analysis.studies.rows import reference_rows
from cluscam_lite.tuning import drop_ratio, fit_mixture


def test_r_is_algorithm_3_at_every_size_and_seed():
    rows = two_heaps()
    table = mixtures.ratio_table(rows)
    assert len(table) == 6 and (table["Table 3"] == 0.3712).all()
    for row in table.itertuples():
        mine = rows[(rows["n_clusters"] == row.K) & (rows["seed"] == row.seed)]
        assert row.r == pytest.approx(drop_ratio(mine["score"]), abs=2e-4) and row.r == pytest.approx(0.4, abs=0.08)


def test_r_of_the_reference_run_is_scikit_learns():
    rows = evidence.whole_images(reference_rows(STUDY))
    for row in mixtures.ratio_table(rows).groupby(["model", "layer"]).nth(-1).itertuples():
        mine = rows[(rows["model"] == row.model) & (rows["layer"] == row.layer)]
        scores = mixtures.scores_at(mine, row.K, row.seed)["score"]
        assert row.r == pytest.approx(mixtures.quiet_fit(scores).drop_ratio, abs=5e-4)


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


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """An empty place for kept draws, and nothing remembered."""
    monkeypatch.setattr(mixtures, "KEPT", tmp_path / "ratio_draws.json")
    monkeypatch.setattr(ratio_draws, "KEPT", mixtures.KEPT)
    monkeypatch.setattr(mixtures, "_REMEMBERED", {})
    mixtures.kept_draws.cache_clear()
    yield mixtures.KEPT
    mixtures.kept_draws.cache_clear()


def test_kept_draws_are_those_of_the_same_rows(kept, monkeypatch, capsys):
    rows = two_heaps(n=9)
    monkeypatch.setattr(ratio_draws, "reference_rows", lambda study: rows)
    monkeypatch.setattr(ratio_draws, "RATIO_DRAWS", 6)
    assert ratio_draws.main() == 0 and "1 blocks, 6 draws each" in capsys.readouterr().out
    fitted = mixtures.fitted_draws("mobileone_s0", rows, 6, 0)
    np.testing.assert_array_equal(mixtures.fitted_draws("mobileone_s0", rows, 6, 0, first=2), fitted[:2])
    monkeypatch.setattr(mixtures, "fitted_draws", lambda *_: pytest.fail("kept, yet fitted again"))
    np.testing.assert_array_equal(mixtures.bootstrap_r("mobileone_s0", rows, draws=6), fitted)
    monkeypatch.setattr(mixtures, "fitted_draws", lambda *_: "fitted")
    other = rows.assign(score=rows["score"].where(rows.index > 0, 0.25))
    assert mixtures.bootstrap_r("mobileone_s0", other, draws=6) == "fitted"
    assert mixtures.bootstrap_r("mobileone_s0", rows, draws=7) == "fitted"
    assert mixtures.bootstrap_r("mobileone_s0", rows, draws=6, seed=1) == "fitted"


def test_without_a_number_the_kept_draws_are_taken_or_few_are_fitted(kept, monkeypatch):
    rows = two_heaps(n=9)
    monkeypatch.setattr(ratio_draws, "reference_rows", lambda study: rows)
    monkeypatch.setattr(mixtures, "QUICK_DRAWS", 4)
    assert len(mixtures.bootstrap_r("mobileone_s0", rows)) == 4
    for module in (mixtures, ratio_draws):
        monkeypatch.setattr(module, "RATIO_DRAWS", 6)
    assert ratio_draws.main() == 0
    mixtures.kept_draws.cache_clear()
    assert len(mixtures.bootstrap_r("mobileone_s0", rows)) == 6
    assert len(mixtures.bootstrap_r("mobileone_s0", rows.assign(score=rows["score"] * 2))) == 4


def test_the_monte_carlo_error_is_what_other_draws_would_change():
    rng = np.random.default_rng(3)
    found = [mixtures.width_error(rng.uniform(size=2000), seed=i) for i in range(20)]
    many = [np.subtract(*mixtures.r_interval(rng.uniform(size=2000))[::-1]) for _ in range(2000)]
    # of uniform draws: 2 p (1 - 2 p) / n, by the joint normal limit of two quantiles
    p = (1 - evidence.LEVEL) / 2
    limit = np.sqrt(2 * p * (1 - 2 * p) / 2000)
    assert np.std(many) == pytest.approx(limit, rel=0.1)
    assert np.mean(found) == pytest.approx(limit, rel=0.15)
    assert mixtures.width_error(rng.uniform(size=8000)) < 0.75 * limit
    assert mixtures.width_error(np.full(50, 0.3)) == 0


def test_the_text_of_c10f_says_width_error_and_draws():
    (claim,) = (claim for claim in claims_of("hyperparameters", "C10f"))
    rows = evidence.whole_images(reference_rows(STUDY))
    for row in claim_evidence(rows, claim).itertuples():
        block = rows[(rows["model"] == row.model) & (rows["layer"] == row.panel)]
        draws = mixtures.bootstrap_r(row.model, block)
        assert len(draws) == mixtures.RATIO_DRAWS >= 5000
        low, high = np.quantile(draws, [0.025, 0.975])
        error = mixtures.width_error(draws)
        assert (row.least, row.most) == pytest.approx((high - low - 1.96 * error, high - low + 1.96 * error))
        assert row.text.endswith(f", {high - low:.1%} wide (Monte Carlo error {error:.1%}, {len(draws):,} draws)")


def test_draws_without_rows_are_refused(kept, monkeypatch, capsys):
    monkeypatch.setattr(ratio_draws, "reference_rows", lambda study: pd.DataFrame())
    assert ratio_draws.main() == 2 and "has no rows" in capsys.readouterr().err and not kept.exists()
    assert mixtures.kept_draws() == {}


def test_the_committed_draws_are_of_the_committed_rows():
    rows = evidence.whole_images(reference_rows(STUDY))
    kept = mixtures.kept_draws()
    for model, _, block in blocks(rows):
        found = kept[model, mixtures.digest(block), mixtures.RATIO_DRAWS, ratio_draws.SEED]
        again = mixtures.fitted_draws(model, block, mixtures.RATIO_DRAWS, ratio_draws.SEED, first=12)
        np.testing.assert_allclose(found[:12], again, atol=1e-4)
    assert len(kept) == len(list(blocks(rows))) > 0


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
