"""The one-panel figure of means with intervals, and what is said of them in sentences."""

import pandas as pd

from analysis.page.leads import interval_text, leads_figure, span_text


def test_a_line_for_each_thing_and_a_mark_for_each_series():
    table = pd.DataFrame(
        {
            "what": ["a", "b", "a"],
            "network": ["one", "one", "two"],
            "mean": [1.0, 2, 3],
            "low": [0.5, 1, 2],
            "high": [2.0, 3, 4],
        }
    )
    ax = leads_figure(table, "what", "network", "points").axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"] and ax.get_xlabel() == "points"
    dots = {line.get_label(): line.get_xdata().tolist() for line in ax.lines if not line.get_label().startswith("_")}
    assert dots == {"one": [1, 2], "two": [3]}
    assert leads_figure(table, "what", "network", "times", zero=1, log=True).axes[0].get_xscale() == "log"


def test_estimates_in_a_sentence():
    assert interval_text(pd.Series({"mean": -12.1, "low": -17.4, "high": -7.4})) == "12 (7 to 17)"
    assert interval_text(pd.Series({"mean": 0.4, "low": -1.2, "high": 2.5}), digits=1) == "0.4 (−1.2 to 2.5)"
    assert interval_text(pd.Series({"mean": 0.0, "low": -0.2, "high": 0.4})) == "0 (0 to 0)"
    assert span_text([-0.16, -3.01]) == "0.2 to 3.0" and span_text([2.04, 2.0]) == "2.0"
