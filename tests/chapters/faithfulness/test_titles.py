"""Tables of names become tables of titles."""

import pandas as pd

from analysis.page.titles import WIDE, titled


def test_titles_stand_in_the_order_of_the_registry():
    columns = pd.MultiIndex.from_tuples([("vit_tiny_patch16_224", "paper"), ("mobileone_s0", "paper")])
    table = pd.DataFrame([[1, 2], [3, 4], [5, 6]], index=["ones", "total", "cluscam"], columns=columns)
    found = titled(table)
    assert list(found.index) == ["ClusCAM", "All ones", "total"] and found.iloc[:, 0].tolist() == [5, 1, 3]
    assert found.columns[1].replace("\n", "") == "MobileOne-S0"
    assert found.columns[0].split() == ["ViT-Tiny/16,", "patch", "embedding"]
    assert all(len(line) <= WIDE for name in found.columns for line in name.split("\n"))
    assert list(titled(pd.DataFrame({"drop": [1]}, index=["gradcam"])).columns) == ["drop"]
