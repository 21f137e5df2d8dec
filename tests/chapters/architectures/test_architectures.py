"""Networks that nobody here wrote: some of the sweep again, and the page that shows all of it."""

import pandas as pd
import pytest

from analysis.chapters.architectures import page
from analysis.oracles import architectures as sweep
from cluscam_lite.errors import CluscamError

ALL = sweep.architectures()
ODD = {
    "timm:coat_tiny",
    "timm:xcit_nano_12_p16_224",
}  # three scales, the largest first; tokens after the class attention


@pytest.mark.parametrize("one", [one for one in ALL if one.quick], ids=lambda one: one.name)
def test_a_network_is_explained_at_a_specialists_layer(one):
    row = sweep.looked_at(one)
    assert row["works"], row["said"]
    assert row["layer"] in one.layers or one.name in ODD


def test_the_list():
    names = [one.name for one in ALL]
    assert len(set(names)) == len(names) >= 139 and sum(one.quick for one in ALL) >= 30
    assert all(one.layers and one.name.partition(":")[0] in sweep.LIBRARIES for one in ALL)


def test_the_committed_sweep_is_of_this_list_and_good_enough():
    found, origin = sweep.saved()
    assert [*(found["library"] + ":" + found["name"])] == [one.name for one in ALL]
    assert [*found["specialist"]] == [" or ".join(one.layers) for one in ALL]
    assert found["works"].mean() >= sweep.WORKING and found["same"].mean() >= sweep.SPECIALIST
    texts = page.texts(found, origin)
    assert int(texts["same"]) + int(texts["others"]) == int(texts["n"]) == len(ALL)
    assert len(page.whole_table(found)) == len(ALL) and len(page.others_table(found)) == int(texts["others"])
    assert sum(page.how_read(found).values()) == int(texts["works"])


def test_a_network_that_fails_is_a_row(tmp_path, monkeypatch):
    def broken(network, **settings):
        raise ValueError("no maps\nat all")

    monkeypatch.setattr(sweep, "ClusCAM", broken)
    lines = []
    found = sweep.sweep([sweep.Architecture("timm:test_vit", ("blocks",), True)], lines.append)
    assert len(lines) == 1 and not found["works"][0] and not found["same"][0] and "no maps" in found["said"][0]
    sweep.save(found, tmp_path / "a.parquet")
    again, origin = sweep.saved(tmp_path / "a.parquet")
    pd.testing.assert_frame_equal(again, found)
    assert origin["made"] and page.others_table(found)["found"][0].startswith("none: ")
    with pytest.raises(CluscamError, match="make it with"):
        sweep.saved(tmp_path / "b.parquet")
