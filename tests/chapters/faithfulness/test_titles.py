"""Tables of names become tables of titles."""

import pandas as pd

from analysis.page.titles import WIDE, in_words, titled


def test_titles_stand_in_the_order_of_the_registry():
    columns = pd.MultiIndex.from_tuples([("vit_tiny_patch16_224", "paper"), ("mobileone_s0", "paper")])
    table = pd.DataFrame([[1, 2], [3, 4], [5, 6]], index=["ones", "total", "cluscam"], columns=columns)
    found = titled(table)
    assert list(found.index) == ["ClusCAM", "All ones", "total"] and found.iloc[:, 0].tolist() == [5, 1, 3]
    assert found.columns[1].replace("\n", "") == "MobileOne-S0"
    assert found.columns[0].split() == ["ViT-Tiny/16,", "patch", "embedding"]
    assert all(len(line) <= WIDE for name in found.columns for line in name.split("\n"))
    assert list(titled(pd.DataFrame({"drop": [1]}, index=["gradcam"])).columns) == ["drop"]


def test_names_of_rows_become_words():
    keys = [("vit_tiny_patch16_224", "last", "cluscam"), ("mobileone_s0", "paper", "unheard of")]
    index = pd.MultiIndex.from_tuples(keys, names=["model", "panel", "method"])
    found = in_words(pd.DataFrame({"drop": [1, 2], "le": [3, 4], "images": [5, 6]}, index=index))
    assert found.index.tolist() == [("ViT-Tiny/16, last block", "ClusCAM"), ("MobileOne-S0", "unheard of")]
    assert list(found.index.names) == ["network", "method"] and list(found.columns) == ["AD", "LE", "images"]
    assert found.to_numpy().tolist() == [[1, 3, 5], [2, 4, 6]]


def test_words_of_ones_own_and_levels_above_columns():
    columns = pd.MultiIndex.from_tuples([("coverage", "raw"), ("drop", "matched")], names=[None, "form"])
    index = pd.Index(["mobileone_s0", "vit_tiny_patch16_224"], name="model")
    found = in_words(pd.DataFrame([[1, 2], [3, 4]], index=index, columns=columns), {"raw": "as it is"})
    assert found.columns.tolist() == [("coverage", "as it is"), ("AD", "matched")]
    assert found.index.tolist() == ["MobileOne-S0", "ViT-Tiny/16"] and found.index.name == "network"
