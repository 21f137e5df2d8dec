"""What a run over a folder says of all images together: one table of numbers, and an index page with the maps."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..files import atomic_path
from ..packages import from_extra
from ..show.report import to_json

INDEX, NUMBERS, SKIPPED = "index.html", "numbers.parquet", "skipped.json"
STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; color: #1a1a1a; margin: 1.5rem; }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); }
figure { margin: 0; } img { width: 100%; height: auto; } figcaption { overflow-wrap: anywhere; }
small { color: #595959; }
"""


def write_overview(
    out: Path, partial: Path, names: Sequence[str], skipped: Sequence[tuple[str, str]], figures: bool
) -> None:
    """Write the table, the list of skipped images and, last, the index page; each appears when it is whole.

    Args:
        out: the folder of the run, with the reports of all `names`.
        partial: the place for half-written files.
        names: the explained images, sorted.
        skipped: names of images that could not be read, with the reason.
        figures: whether there are pictures.
    """
    with from_extra("data"):
        import pyarrow as pa
        import pyarrow.parquet as pq

    rows = []
    for name in names:
        report = json.loads((out / "images" / f"{name}.json").read_text(encoding="utf-8"))
        rows.append(row_of(report))
    if rows:
        with atomic_path(out / NUMBERS, partial) as temporary:
            pq.write_table(pa.Table.from_pylist(rows), temporary)
    else:
        (out / NUMBERS).unlink(missing_ok=True)
    with atomic_path(out / SKIPPED, partial) as temporary:
        listed = [{"image": name, "reason": reason} for name, reason in skipped]
        temporary.write_text(to_json({"skipped": listed}), encoding="utf-8")
    with atomic_path(out / INDEX, partial) as temporary:
        temporary.write_text(index_page(rows, skipped, figures), encoding="utf-8")


def row_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """A report as one flat row: the image, the class, the map in numbers, the cost; scores and weights as lists."""
    image, target, saliency = report["image"], report["target"], report["saliency"]
    row = {"image": image["name"], **{key: image[key] for key in ("sha256", "width", "height")}}
    row |= {"target": target["index"], "class": target["name"]}
    row |= {key: target[key] for key in ("logit", "probability", "rank")}
    row |= {key: saliency[key] for key in ("coverage", "area_above_mean", "area_above_half", "uniform")}
    centre = saliency["centre"] or [None, None]
    row |= {"centre_x": centre[0], "centre_y": centre[1], "peak_x": saliency["peak"][0], "peak_y": saliency["peak"][1]}
    row |= report["cost"]
    if "clusters" in report:
        row |= {f"{key}s": [cluster[key] for cluster in report["clusters"]] for key in ("score", "weight", "size")}
    if "stability" in report:
        row |= {key: report["stability"][key] for key in ("agreement", "overlap")}
    return row


def index_page(rows: Sequence[Mapping[str, Any]], skipped: Sequence[tuple[str, str]], figures: bool) -> str:
    """An HTML page of all images, each with its picture, class and a link to its report; skipped ones at the end."""
    cells = "\n".join(_cell(row, figures) for row in rows)
    listed = "".join(f"<li>{escape(name)}: <small>{escape(reason)}</small></li>\n" for name, reason in skipped)
    more = f"<h2>{len(skipped)} skipped</h2>\n<ul>\n{listed}</ul>\n" if skipped else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{len(rows)} explained images</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{len(rows)} explained images</h1>\n"
        f'<p>All numbers are in <a href="{NUMBERS}">{NUMBERS}</a>, one row for each image.</p>\n'
        f"<main>\n{cells}\n</main>\n{more}</body>\n</html>\n"
    )


def _cell(row: Mapping[str, Any], figures: bool) -> str:
    name, words = escape(row["image"]), escape(f"{row['class']}, p = {row['probability']:.2f}")
    link = quote(f"images/{row['image']}")
    alt = f"{name}: the image, and its map for {escape(row['class'])}"
    picture = f'<img loading="lazy" src="{link}.png" alt="{alt}">' if figures else ""
    return (
        f'<figure>{picture}<figcaption><a href="{link}.json">{name}</a><br>{words}'
        f"{'; <small>no contrast</small>' if row['uniform'] else ''}</figcaption></figure>"
    )
