"""What the README shows: its example in Python runs as it is printed, and its verdicts are those of the ledger."""

import re

import pytest

from analysis.judging.ledger import ledger
from analysis.judging.text import counts_text
from analysis.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def example():
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.S | re.M)
    namespace: dict = {"__name__": "readme"}
    exec(compile(code, "README.md", "exec"), namespace)
    return namespace


def test_the_example_runs_as_it_is_printed(example):
    e, spec = example["e"], example["spec"]
    assert e.saliency.shape[0] == 1 and e.forward_passes == spec.n_clusters + 1


def test_the_verdicts_are_those_of_the_ledger():
    assert counts_text(ledger()) in " ".join(README.split())


def test_the_pictures_are_there():
    for path in re.findall(r"!\[[^\]]*\]\(([^)]*)\)", README):
        assert (ROOT / path).is_file(), path
