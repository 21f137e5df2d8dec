"""The family of class activation maps: what each method derives from and what it changes.

A test compares the years with those of `book/references.bib`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis.page.figures import WIDTH
from cluscam_lite.show.drawing import new_figure

FAMILIES = {  # where the weight of a map comes from -> colour (Okabe and Ito)
    "last layer": "#000000",
    "gradients": "#0072b2",
    "ablation": "#cc79a7",
    "masking": "#d55e00",
    "optimisation": "#117733",
    "groups": "#7a3e9d",
}


@dataclass(frozen=True)
class Member:
    """One method: `key` in the bibliography, `parent` (a key, "" for the root), and what it changes."""

    key: str
    title: str
    year: int
    family: str
    parent: str
    change: str


MEMBERS = (
    Member("cam", "CAM", 2016, "last layer", "", "the classifier's own weights"),
    Member("gradcam", "GradCAM", 2016, "gradients", "cam", "mean gradients, for any network"),
    Member("gradcampp", "GradCAM++", 2018, "gradients", "gradcam", "positive gradients, by place"),
    Member("xgradcam", "XGrad-CAM", 2020, "gradients", "gradcam", "gradients weighed by the map"),
    Member("layercam", "LayerCAM", 2021, "gradients", "gradcam", "a weight for every place"),
    Member("shapleycam", "ShapleyCAM", 2025, "gradients", "gradcam", "second-order Shapley values"),
    Member("ablationcam", "AblationCAM", 2020, "ablation", "gradcam", "the fall without the map"),
    Member("scorecam", "ScoreCAM", 2020, "masking", "cam", "the score behind the map as a mask"),
    Member("polycam", "PolyCAM", 2024, "masking", "scorecam", "maps of several layers"),
    Member("reciprocam", "ReciproCAM", 2024, "masking", "scorecam", "masks places of the maps instead"),
    Member("opticam", "OptiCAM", 2024, "optimisation", "scorecam", "weights found by ascent"),
    Member("groupcam", "GroupCAM", 2021, "groups", "scorecam", "one mask for neighbouring maps"),
    Member("clustercam", "Cluster-CAM", 2024, "groups", "scorecam", "clusters, as base and as scissors"),
    Member("cluscam", "ClusCAM", 2025, "groups", "scorecam", "the mean of a cluster as the mask"),
)


def in_order(parent: str = "", depth: int = 0) -> Iterator[tuple[Member, int]]:
    """Every member with its depth, parents before their children."""
    for member in MEMBERS:
        if member.parent == parent:
            yield member, depth
            yield from in_order(member.key, depth + 1)


def family_figure() -> Figure:
    """The tree, one method below another: indented below its parent, coloured by where its weights come from."""
    rows = list(in_order())
    pitch, indent, head, left = 0.47, 0.35, 0.7, 0.15  # inches
    width, height = WIDTH, head + pitch * len(rows) + 0.1
    fig = new_figure(width, height)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.set_axis_off()
    place = {m.key: (left + indent * depth, head + pitch * (i + 0.3)) for i, (m, depth) in enumerate(rows)}
    for member, _ in rows:
        x, y = place[member.key]
        colour = FAMILIES[member.family]
        if member.parent:
            px, py = place[member.parent]
            ax.plot([px, px, x], [py, y, y], color="0.6", lw=1.2, zorder=1)
        ax.scatter([x], [y], s=70, color=colour, zorder=2)
        ax.text(x + 0.16, y, f"{member.title}  {member.year}", color=colour, fontsize=10, weight="bold", va="center")
        ax.text(x + 0.16, y + 0.19, member.change, fontsize=9.5, va="center", color="0.15")
    for i, (name, colour) in enumerate(FAMILIES.items()):
        ax.text(left + 1.6 * (i % 3), 0.2 + 0.25 * (i // 3), f"● {name}", color=colour, fontsize=10.5, va="center")
    return fig
