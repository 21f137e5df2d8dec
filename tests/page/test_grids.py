"""Pictures that wrap, tables that fold, and outputs that are called tables."""

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sphinx.cmd.build import build_main

from analysis.page.grid import picture_grid, uri
from analysis.page.tables import folded, styled
from analysis.paths import ROOT
from cluscam_lite.errors import CluscamError


def test_a_grid_has_a_picture_with_its_text_for_each():
    photo, saliency = np.full((8, 6, 3), 0.5), np.zeros((8, 6))
    page = picture_grid({"a <b>": photo, "map\nof it": saliency}, photo=photo, side=180).data
    assert (
        page.count("<img") == 2
        and 'alt="a &lt;b&gt;"' in page
        and "map<br>of it" in page
        and page.count('width="180"') == 2
    )


def test_one_picture_has_the_whole_line_of_a_phone_and_several_share_it():
    one, two = (picture_grid({str(i): np.zeros((4, 4)) for i in range(n)}, side=180).data for n in (1, 2))
    assert "min(180px, 100%)" in one and "min(180px, 45%)" in two


def test_a_picture_keeps_its_colours_and_gets_its_width():
    found = uri(np.broadcast_to(np.array([200, 10, 60], np.uint8), (4, 4, 3)), side=40)
    image = Image.open(io.BytesIO(base64.b64decode(found.removeprefix("data:image/jpeg;base64,"))))
    assert image.size == (40, 40) and np.abs(np.asarray(image).mean((0, 1)) - [200, 10, 60]).max() < 4


def test_a_grid_refuses_what_is_no_picture():
    with pytest.raises(CluscamError, match=r"has shape \(2, 2, 2\)"):
        picture_grid({"a": np.zeros((2, 2, 2))})


def test_a_folded_table_carries_its_numbers():
    table = pd.DataFrame({"name": ["x", "y"], "value": [1 / 3, 2.0]})
    for shown in (table, styled(table)):
        page = folded(shown, "All of it", "numbers").data
        assert "All of it (2 rows)" in page and 'download="numbers.csv"' in page and "0.333<" in page
        text = base64.b64decode(re.search(r"base64,([^\"]+)", page).group(1)).decode()
        assert pd.read_csv(io.StringIO(text)).equals(table)


def test_the_output_of_a_cell_called_tab_is_a_table(tmp_path):
    """Built by Sphinx: a figure named `tab-...` is numbered, called and referred to as a table."""
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\n"
        "extensions = ['myst_parser', 'numbered_tables']\nnumfig = True\nmyst_enable_extensions = ['colon_fence']\n"
    )
    figure = ":::{figure} x.png\n:name: NAME\nCAPTION\n:::\n\n"
    page = "# A page\n\nSee {numref}`tab-one` and {numref}`fig-two`.\n\n"
    page += figure.replace("NAME", "tab-one").replace("CAPTION", "Means")
    page += figure.replace("NAME", "fig-two").replace("CAPTION", "Maps")
    (tmp_path / "index.md").write_text(page)
    Image.new("RGB", (2, 2)).save(tmp_path / "x.png")
    build_main(["-q", "-W", "-b", "html", str(tmp_path), str(tmp_path / "out")])
    text = re.sub(r"<[^>]+>", "", (tmp_path / "out" / "index.html").read_text())
    assert "See Table 1 and Fig. 1." in text and "Table 1 Means" in text and "Fig. 1 Maps" in text
