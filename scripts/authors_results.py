"""Summarise the per-image results that the authors published: `python scripts/authors_results.py FOLDER`.

FOLDER holds CSV exports of workbooks in the history of the authors' public repository (nxhoang562/ClusCAM):
`all_per_image_AD_IC_long.csv` and `config_map.csv` (sixteen workbooks results/*.xlsx of commit a082aac),
`k_results_resnet18.csv`, `kcluster_avg_results.csv`, `PSscore_per_image.csv` and `localization_10img_per_image.csv`.
Means over images are written to `analysis/paper/authors_results.csv`, and AD and IC image by image of the few settings
that speak of one of our claims to `analysis/paper/authors_per_image.csv` (`analysis/judging/authors.py` compares them).
"""

import sys
from pathlib import Path

import pandas as pd

PAPER = Path(__file__).resolve().parents[1] / "analysis" / "paper"
OUTPUT, PER_IMAGE = PAPER / "authors_results.csv", PAPER / "authors_per_image.csv"
COLUMNS = ["origin", "model", "method", "K", "r", "tau", "n", "measure", "value", "certainty"]
LEFT_OUT = ("NOT usable", "trivial", "UNCERTAIN", "duplicate")
DROPPED, KEPT = "results_T-0.5-softmax-drop50_50img.xlsx", "results_T-0.5-softmax_50img.xlsx"
PLAIN, HDBSCAN = "results_50img_50drop.xlsx", "results_HDBSCAN50img_50drop.xlsx"
UNIFORM = "results_T-50-softmax_50img.xlsx"
SHARED = range(10, 105, 5)  # the K of all but the last
TABLE_3 = 30  # the K of ResNet-18 in Table 3
LARGEST = 150  # of the last, which has two
RAW = "results_Lai-T-0.5-softmax-drop50_50img.xlsx"
UNSCALED = "ILSVRC2012_val_00001312.JPEG"


def settings(rows: pd.DataFrame, files: pd.DataFrame) -> list[dict]:
    """AD and IC (percent) of each workbook and number of groups, the mean over its images."""
    usability = files.set_index("file")["usability"]
    found = []
    for (file, k), one in rows.groupby(["source_file", "K"], sort=False):
        if usability[file].startswith(LEFT_OUT):
            continue
        certainty = usability[file].removeprefix("USEFUL").lstrip(";,: ") or "as committed"
        row = {"origin": f"results/{file}", "model": "ResNet-18", "n": len(one), "certainty": certainty}
        row |= {"method": "HDBSCAN" if "HDBSCAN" in file else "ClusCAM", "r": one["r"].iloc[0]}
        row |= {"K": None if "HDBSCAN" in file else k, "tau": one["tau"].iloc[0]}
        found.append(row | {"measure": "AD", "value": one["average_drop"].mean()})
        found.append(row | {"measure": "IC", "value": one["increase_confidence"].mean()})
    return found


def pairs(rows: pd.DataFrame, first: str, second: str, words: str) -> list[dict]:
    """Two workbooks compared on the images and numbers of groups of both."""
    key = ["K", "image"]
    a, b = (rows[rows["source_file"] == file].set_index(key) for file in (first, second))
    both = a.index.intersection(b.index)
    change = a.loc[both, "average_drop"] - b.loc[both, "average_drop"]
    flags = a.loc[both, "increase_confidence"] != b.loc[both, "increase_confidence"]
    row = {"origin": f"results/{first} and results/{second}", "model": "ResNet-18", "method": words, "n": len(both)}
    row |= {"certainty": "settings from the file names"}
    return [
        row | {"measure": "mean difference of the drop", "value": change.mean()},
        row | {"measure": "share with a difference below 0.01, %", "value": 100 * (change.abs() < 0.01).mean()},
        row | {"measure": "share of increases that differ, %", "value": 100 * flags.mean()},
    ]


def per_image(rows: pd.DataFrame, files: pd.DataFrame) -> pd.DataFrame:
    """AD and IC of each image: at Table 3's K, the means over the K that the workbooks share, and at K = 150."""
    files, found = files.set_index("file"), []
    wanted = [(file, f"{SHARED[0]} to {SHARED[-1]}", SHARED) for file in (PLAIN, DROPPED, KEPT)]
    wanted += [(file, str(TABLE_3), [TABLE_3]) for file in (PLAIN, DROPPED, KEPT)]
    wanted += [(file, str(LARGEST), [LARGEST]) for file in (PLAIN, UNIFORM)] + [(HDBSCAN, "", None)]
    for file, words, sizes in wanted:
        mine = rows[rows["source_file"] == file]
        mine = mine if sizes is None else mine[mine["K"].isin(sizes)]
        means = mine.groupby("image")[["average_drop", "increase_confidence"]].mean().reset_index()
        about = {"workbook": file, "method": "ClusCAM" if sizes is not None else "HDBSCAN", "K": words}
        means = means.assign(**about, r=files.loc[file, "r"], tau=files.loc[file, "tau"])
        found.append(means.rename(columns={"average_drop": "AD", "increase_confidence": "IC"}))
    table = pd.concat(found)[["workbook", "method", "K", "r", "tau", "image", "AD", "IC"]]
    return table.round({"AD": 6, "IC": 6})


def curves(folder: Path) -> list[dict]:
    """The two curves over K that were committed for ResNet-18, in logits."""
    final = pd.read_csv(folder / "k_results_resnet18.csv")
    sums = pd.read_csv(folder / "kcluster_avg_results.csv")
    shared = {"model": "ResNet-18", "method": "ClusCAM", "r": 0.5, "n": 100}
    found = []
    for row in final.itertuples():
        found.append(
            shared
            | {"origin": "k_results_resnet18", "K": row.K, "measure": "logit shift of the final map"}
            | {"value": row.mean_shift, "certainty": "100 random images"}
        )
    for row in sums.itertuples():
        found.append(
            shared
            | {"origin": "kcluster_avg_results", "K": row.K, "measure": "sum of the kept groups' scores"}
            | {"value": row.avg_sum_diffs, "certainty": "int(K / 2) groups kept; probably the first 100 sample images"}
        )
    return found


def similarity(folder: Path) -> list[dict]:
    """PSscore: cosine of a network's map to the mean map of the three networks, the mean over images."""
    rows = pd.read_csv(folder / "PSscore_per_image.csv")
    names = {"resnet18": "ResNet-18", "resnet34": "ResNet-34", "resnet50": "ResNet-50"}
    found = []
    for method, one in rows.groupby("method", sort=False):
        row = {"origin": "PSscore", "method": {"ClusterScoreCAM": "ClusCAM"}.get(method, method), "n": len(one)}
        row |= {"measure": "cosine to the mean map", "certainty": "named images"}
        found += [row | {"model": title, "value": one[name].mean()} for name, title in names.items()]
    return found


def unscaled(folder: Path) -> list[dict]:
    """The image whose box, in the photograph's own pixels, lies outside the network's input."""
    rows = pd.read_csv(folder / "localization_10img_per_image.csv")
    mine = rows[rows["image"] == UNSCALED]
    row = {"origin": f"localisation, {UNSCALED}", "model": "several", "method": "all", "n": len(mine)}
    row |= {"certainty": "all pairs of network and method"}
    return [
        row | {"measure": "largest EP", "value": mine["EP"].max()},
        row | {"measure": "smallest LE", "value": mine.filter(like="LE_soft").to_numpy().min()},
    ]


def main(folder: Path) -> None:
    rows = pd.read_csv(folder / "all_per_image_AD_IC_long.csv")
    files = pd.read_csv(folder / "config_map.csv")
    found = settings(rows, files)
    found += pairs(rows, DROPPED, KEPT, "r = 0.5 against r = 0, tau = 0.5")
    found += pairs(rows, RAW, DROPPED, "raw maps clustered against upsampled ones, r = 0.5, tau = 0.5")
    found += curves(folder) + similarity(folder) + unscaled(folder)
    table = pd.DataFrame(found)[COLUMNS].astype({"K": "Int64"}).round({"value": 4})
    table.to_csv(OUTPUT, index=False, lineterminator="\n")
    images = per_image(rows, files)
    images.to_csv(PER_IMAGE, index=False, lineterminator="\n")
    print(f"{len(table)} rows in {OUTPUT.name}, {len(images)} in {PER_IMAGE.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
