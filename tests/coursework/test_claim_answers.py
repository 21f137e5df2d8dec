"""The checks of the assignment on a claim: the right answers pass, typical wrong ones get a sentence of their own."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from analysis.coursework import claim as checks
from analysis.coursework.answers import NotRight
from cluscam_lite import load_model
from cluscam_lite.methods import method
from cluscam_lite.metrics import evaluate

CLAIM = {
    "claim": "ClusCAM raises the probability more often than a Gaussian in the middle.",
    "model": "scene_cnn",
    "dataset": "scenes",
    "n_images": 10,
    "method": "centre",
    "rival": "fakecam",
    "smallest": 5.0,
    "against": "an interval below 5 points",
}
CLAIMS = {
    "has no 'smallest'": {key: value for key, value in CLAIM.items() if key != "smallest"},
    "'n_images' of the claim is '10', but must be of type int": CLAIM | {"n_images": "10"},
    "'against' of the claim is empty": CLAIM | {"against": "..."},
    "'rival' of the claim: unknown method 'gradcm'; nearest: gradcam": CLAIM | {"rival": "gradcm"},
    "compares 'centre' with itself": CLAIM | {"rival": "centre"},
    "must be above 0": CLAIM | {"smallest": 0},
    "take at least 10": CLAIM | {"n_images": 3},
}


def test_a_claim_that_can_fail():
    checks.check_claim(CLAIM)
    checks.check_claim(CLAIM | {"smallest": 5})
    for told, wrong in CLAIMS.items():
        with pytest.raises(NotRight, match=told):
            checks.check_claim(wrong)


def fingerprint(claim):
    return sha256(json.dumps(claim, sort_keys=True).encode()).hexdigest()


FINGERPRINTS = {
    "order of the keys": lambda claim: sha256(json.dumps(claim).encode()).hexdigest(),
    "64 hexadecimal digits": lambda claim: hash(json.dumps(claim)),
    "depend on the values": lambda claim: sha256(json.dumps(sorted(claim)).encode()).hexdigest(),
    "is not the SHA-256 of json": lambda claim: sha256(json.dumps(sorted(claim.items())).encode()).hexdigest(),
}


def test_a_fingerprint():
    checks.check_fingerprint(fingerprint)
    for told, wrong in FINGERPRINTS.items():
        with pytest.raises(NotRight, match=told):
            checks.check_fingerprint(wrong)


def test_a_sealed_claim_cannot_be_changed(tmp_path, capsys):
    path = tmp_path / "claim.json"
    with pytest.raises(NotRight, match="not sealed yet"):
        checks.check_sealed(CLAIM, fingerprint(CLAIM), path)
    with pytest.raises(NotRight, match="has no 'claim'"):
        checks.seal({}, path)
    assert not path.exists()
    mark = checks.seal(CLAIM, path, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    kept = path.read_text()
    assert json.loads(kept) == {"claim": CLAIM, "fingerprint": mark, "sealed": "2026-01-02T03:04:05+00:00"}
    assert checks.seal(dict(reversed(CLAIM.items())), path) == mark and path.read_text() == kept
    checks.check_sealed(CLAIM, mark, path)
    assert mark[:12] in capsys.readouterr().out
    with pytest.raises(NotRight, match="the claim was changed after it was sealed; put the old one back"):
        checks.seal(CLAIM | {"smallest": 4.0}, path)
    with pytest.raises(NotRight, match="the fingerprint is not that of the sealed claim"):
        checks.check_sealed(CLAIM, "0" * 64, path)
    path.write_text("[]")
    with pytest.raises(NotRight, match="claim.json is not a sealed claim; delete it"):
        checks.seal(CLAIM, path)


@pytest.fixture(scope="module")
def made():
    """The rows of the claim, and `explain`."""
    loaded = load_model("scene_cnn")
    rows = []
    for name in (CLAIM["method"], CLAIM["rival"]):
        explainer = method(name, loaded.module, loaded.spec)
        for sample in checks.images_of(CLAIM):
            x = loaded.spec.preprocess()(sample.image)[None]
            e = explainer(x)
            (row,) = evaluate(loaded.module, x, e.saliency, int(e.target[0]), fills=["mean"], forms=["raw"])
            rows.append({"image": sample.image_id, "method": name, "increase": row["increase"]})
    return pd.DataFrame(rows).assign(claim=fingerprint(CLAIM)), lambda name: method(name, loaded.module, loaded.spec)


ROWS = {
    "no column 'claim'": lambda rows: rows.drop(columns="claim"),
    "sealed fingerprint in every row": lambda rows: rows.assign(claim="0" * 64),
    "the methods centre and fakecam": lambda rows: rows[rows["method"] == "centre"],
    "more than one row of centre": lambda rows: pd.concat([rows, rows[:1]]),
    "fakecam has rows of 9 images; expected the same 10": lambda rows: rows[:-1],
    "'increase' must be 0 or 100": lambda rows: rows.assign(increase=rows["increase"] / 100),
    "when it is made again": lambda rows: rows.assign(increase=100 - rows["increase"]),
    "must be a pandas DataFrame": lambda rows: rows.to_dict("records"),
}


@pytest.mark.parametrize("told", ROWS)
def test_wrong_rows(made, told):
    rows, explain = made
    wrong = ROWS[told](rows.copy())
    if told.startswith("'increase'"):
        wrong.loc[wrong.index[0], "increase"] = 1
    with pytest.raises(NotRight, match=told):
        checks.check_rows(wrong, CLAIM, fingerprint(CLAIM), explain)


def test_right_rows(made, capsys):
    rows, explain = made
    checks.check_rows(rows.sample(frac=1, random_state=0), CLAIM, fingerprint(CLAIM), explain)
    assert "20 rows, each with the fingerprint" in capsys.readouterr().out


def exact(first, second):
    a, b = int((first & ~second).sum()), int((second & ~first).sum())
    return stats.binomtest(a, a + b).pvalue if a + b else 1.0


def one_sided(first, second):
    only_first, differ = int((first & ~second).sum()), int((first ^ second).sum())
    return stats.binomtest(only_first, differ, alternative="greater").pvalue if differ else 1.0


MCNEMAR = {
    "one-sided": one_sided,
    "only the images on which the two differ count": lambda a, b: (
        stats.chi2_contingency([[a.sum(), (~a).sum()], [b.sum(), (~b).sum()]]).pvalue
    ),
    "each is a fair coin": lambda a, b: stats.binomtest(int(a.sum()), len(a)).pvalue,
    "p is 1": lambda a, b: exact(a, b) if (a ^ b).any() else 0.0,
}


def test_mcnemar_by_hand():
    checks.check_mcnemar(exact)
    for told, wrong in MCNEMAR.items():
        with pytest.raises(NotRight, match=told):
            checks.check_mcnemar(wrong)


def bootstrap(first, second, size=None, paired=True, ends=(2.5, 97.5)):
    rng = np.random.default_rng(0)
    n = size or len(first)
    chosen = rng.integers(0, len(first), (2000, n))
    others = chosen if paired else rng.integers(0, len(first), (2000, n))
    return tuple(np.percentile(first[chosen].mean(1) - second[others].mean(1), ends))


INTERVALS = {
    "take both methods' numbers of the same image together": lambda a, b: bootstrap(a, b, paired=False),
    "draw as many images as there are": lambda a, b: bootstrap(a, b, size=4 * len(a)),
    "the 2.5th and the 97.5th": lambda a, b: bootstrap(a, b, ends=(25, 75)),
    "without the mean difference": lambda a, b: bootstrap(b, a),
    "two numbers": lambda a, b: 1.0,
}


def test_a_paired_interval():
    checks.check_interval(bootstrap)
    for told, wrong in INTERVALS.items():
        with pytest.raises(NotRight, match=told):
            checks.check_interval(wrong)


def by_the_rule(estimate, low, high, smallest):
    if low > 0 and estimate >= smallest:
        return "supported"
    if high < 0 and estimate <= -smallest:
        return "reversed"
    return "negligible" if -smallest < low and high < smallest else "undecided"


def test_verdicts():
    checks.check_verdict(by_the_rule)
    wrong = {
        "'undecided' of -12": lambda e, low, high, s: "supported" if low > 0 else "undecided",
        "'supported' of 2 points": lambda e, low, high, s: (
            "supported" if low > 0 else "reversed" if high < 0 else "negligible"
        ),
        "'supported' of 9 points": lambda e, low, high, s: (
            "supported" if e >= s else "reversed" if e <= -s else "negligible"
        ),
        "expected one of supported, reversed": lambda e, low, high, s: "proved",
    }
    for told, function in wrong.items():
        with pytest.raises(NotRight, match=told):
            checks.check_verdict(function)
