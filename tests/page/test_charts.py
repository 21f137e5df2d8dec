"""Charts of dots as SVG."""

import math
import re
import xml.etree.ElementTree as ET

import pytest

from analysis.page.charts import CONTROL, OTHER, PAPER, STEP, STRIP, WIDTH, Dot, Row, dot_chart, dot_strip, number


def positions(svg: str, tag: str, attribute: str) -> list[float]:
    return [float(one.get(attribute)) for one in ET.fromstring(svg).iter(tag)]


NUMBERS = [(-1.44, 1, "−1.4"), (3.0, 1, "3"), (-0.01, 1, "0"), (1280, 0, "1280"), (0.5, 2, "0.5")]


@pytest.mark.parametrize(("value", "digits", "text"), NUMBERS)
def test_numbers_have_a_minus_sign_and_no_useless_zeros(value, digits, text):
    assert number(value, digits) == text


def test_dots_stand_in_order_and_inside():
    rows = [Row("a", (Dot(1.0), Dot(3.0, OTHER), Dot(2.0)), "1, 3, 2")]
    circles = positions(dot_chart(rows, "three"), "circle", "cx")
    assert circles[0] < circles[2] < circles[1] and all(0 < x < WIDTH for x in circles)


def test_a_logarithmic_axis_has_equal_steps_for_equal_ratios():
    first, second, third = positions(dot_chart([Row("a", (Dot(1), Dot(4), Dot(16)))], "t", log=True), "circle", "cx")
    assert second - first == pytest.approx(third - second, abs=0.2)


def test_a_band_and_a_zero_are_where_the_axis_has_them():
    svg = dot_chart([Row("a", (Dot(2.0, "own", 1.0, 3.0),))], "t", band=(-5, 5), zero=True)
    (left,), (width,) = positions(svg, "rect", "x"), positions(svg, "rect", "width")
    upright = [one for one in ET.fromstring(svg).iter("line") if one.get("x1") == one.get("x2")]
    assert any(float(one.get("x1")) == pytest.approx(left + width / 2, abs=0.2) for one in upright)
    (dot,) = positions(svg, "circle", "cx")
    assert left + width / 2 < dot < left + width


def test_what_is_drawn_is_said_and_escaped():
    svg = dot_chart([Row("a < b", (Dot(1.0, CONTROL), Dot(2.0, PAPER)), "1 & 2")], 'a "title"', marks={"up to 1": 1.0})
    root = ET.fromstring(svg)  # so it is whole
    assert root.get("role") == "img" and root.get("aria-label") == 'a "title". a < b: 1 & 2'
    assert "up to 1" in [one.text for one in root.iter("text")] and len([*root.iter("path")]) == 2


def test_long_texts_get_a_line_of_their_own():
    long = Row("a network with a long name, last block: uninformative", (Dot(1.0),), "−4.6 (−12.3 to 1.8)")
    charts = [dot_chart([row], "t") for row in (Row("a", long.dots), long)]
    one, two = (float(re.search(r'viewBox="0 0 340 (\d+)"', chart).group(1)) for chart in charts)
    assert two > one


def test_what_has_no_number_is_left_out():
    svg = dot_chart([Row("a", (Dot(math.nan, "own", 1.0, 2.0),)), Row("b", ())], "t")
    assert "<circle" not in svg and "stroke-width: 3" in svg
    assert dot_chart([Row("a", ())], "t").startswith("<svg")


def test_a_strip_has_the_dots_of_the_chart_and_no_words():
    rows = [Row("a", (Dot(1.0, "own", 0.0, 3.0), Dot(2.0, PAPER)), "1"), Row("b", (Dot(-2.0),)), Row("c", ())]
    rows.append(Row("d", (Dot(math.nan, "own", 1.0, 2.0),)))
    svg = dot_strip(rows, band=(-5, 5), zero=True)
    root = ET.fromstring(svg)
    assert root.get("aria-hidden") == "true" and not [*root.iter("text")]
    first, second = positions(svg, "circle", "cx")
    assert 0 < second < STRIP / 2 < first < STRIP
    assert positions(svg, "circle", "cy") == [STEP, 2 * STEP]
    chart = positions(dot_chart(rows, "t", band=(-5, 5), zero=True), "circle", "cx")
    assert [first, second] == pytest.approx([x * STRIP / WIDTH for x in chart], abs=0.1)
    dashed = dot_strip(rows[:1], marks={"from 2": 2.0, "up to 1": 1.0})
    assert dashed.count("3 2") == 2
