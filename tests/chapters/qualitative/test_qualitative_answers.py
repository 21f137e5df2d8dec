"""What the chapter of pictures says in words, on tables whose answers are known."""

import pandas as pd

from analysis.chapters.qualitative.answers import RIVALS, class_words, focus_words, likeness_words, same_words

TITLES = ["ClusCAM", *RIVALS, "OptiCAM", "Donor masks", "Centre"]


def table(columns, **special):
    found = pd.DataFrame(50.0, index=TITLES, columns=columns)
    for title, values in special.items():
        found.loc[title.replace("_", " ")] = values
    return found


def test_the_least_share_of_two_equal_objects():
    cats = table(["above", "below"], ClusCAM=[41, 59], OptiCAM=[3, 97], Centre=[1, 99])
    assert same_words(cats) == {"least_rival": "3", "least_own": "41"}


def test_the_object_of_the_class():
    on_class = table(["coffee", "anchor"], ClusCAM=[80, 1], GradCAM=[60, 1], OptiCAM=[20, 30], Donor_masks=[45, 55])
    on_class.loc["LayerCAM", "coffee"] = 30.0
    on_class.loc["ScoreCAM", "coffee"] = float("nan")
    words = class_words(on_class)
    assert words["poor_coffee"] == "20 to 50 %" and words["rest_coffee"] == "50 to 60 %"
    assert (words["own_coffee"], words["donor_coffee"]) == ("80", "45")
    assert (words["opticam_anchor"], words["donor_anchor"]) == ("30", "55")


def test_how_bright_on_the_objects():
    names = ["cluscam", "opticam", "gradcam", "scorecam"]
    ratio = pd.DataFrame({"paper": [1.0, 2.0, 3.0, 4.0], "last": [5.0, 6.0, 7.0, 8.04]}, index=names)
    assert focus_words(ratio) == {
        "cluscam_patch": "1.0", "opticam_patch": "2.0", "gradcam_patch": "3.0",
        "cluscam_last": "5.0", "scorecam_last": "8.0",
    }  # fmt: skip


def test_how_alike():
    alike = table(["photograph", "scene"], GradCAM=[0.2, 0.4], OptiCAM=[0.1, 0.3], Centre=[0.0, float("nan")])
    words = likeness_words(alike.replace(50.0, 0.6))
    assert words == {"alike_opticam": "0.20", "alike_donor": "0.60", "alike_centre": "0.00", "alike": "0.56"}
