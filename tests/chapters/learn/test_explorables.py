"""What the page computes is what `cluscam_lite` computes, and every control has a name."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans, kmeans_plusplus

from analysis.chapters.learn.explorables.lloyd import lloyd, lloyd_data, lloyd_widget, plane, some_maps
from analysis.chapters.learn.explorables.masks import mask_widget
from analysis.chapters.learn.explorables.regroup import (
    alive,
    kmeans_logits,
    partition_table,
    partitions,
    random_groups,
    regroup_data,
    regroup_widget,
)
from analysis.chapters.learn.explorables.seeds import correlations, of_seeds, seeds_data, seeds_widget
from analysis.chapters.learn.explorables.weights import weights_data, weights_widget
from analysis.chapters.learn.playground import playground
from analysis.page.widget import colours, png, said, widget
from analysis.paths import ROOT
from cluscam_lite.metrics.agreement import correlation

SCRIPTS = [ROOT / "book" / "_static" / f"{name}.js" for name in ("widgets", "explore_maps", "explore_groups")]
needs_node = pytest.mark.skipif(not shutil.which("node"), reason="needs node, which runs the book's JavaScript")


@pytest.fixture(scope="module")
def play():
    return playground("scene_cnn", "scene:8")


@pytest.fixture(scope="module")
def pieces(play):
    """Each piece by its kind."""
    made = {"masks": mask_widget(play), "weights": weights_widget(play), "lloyd": lloyd_widget(play)}
    made |= {"regroup": regroup_widget(play, partitions(play)), "seeds": seeds_widget(play, of_seeds(play, 3))}
    return {kind: piece.data for kind, piece in made.items()}


def run(expression: str, **data: object):
    """What an expression of JavaScript gives, with the book's scripts loaded and `data` as constants."""
    code = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    constants = "".join(f"const {name} = {json.dumps(value)};" for name, value in data.items())
    program = f"{code.replace(chr(34) + 'use strict' + chr(34) + ';', '')}\n{constants}\n"
    program += f"console.log(JSON.stringify({expression}, (_, v) => v instanceof Set ? [...v] : v))"
    done = subprocess.run(["node", "-e", program], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


class Markup(HTMLParser):
    """The tags of a piece of HTML, checked to be properly nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in ("img", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [(attrs, inside) for name, attrs, inside in self.tags if name == tag]


@needs_node
def test_the_page_upsamples_as_torch_does():
    maps = torch.rand(1, 1, 5, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    exact = torch.nn.functional.interpolate(maps, (31, 40), mode="bilinear", align_corners=False)
    found = run("[...cluscam.tools.upsample(map, 5, 7, 31, 40)]", map=maps.flatten().tolist())
    np.testing.assert_allclose(found, exact.flatten().numpy(), atol=1e-9)


@needs_node
@pytest.mark.parametrize(("r", "tau"), [(0.37, None), (0.37, 0.05), (0.9, 5.0), (0.0, None)])
def test_the_page_weighs_as_cluscam_does(play, r, tau):
    data = weights_data(play)
    exact = play.full.reweigh(drop_ratio=r, temperature=tau)
    given = "cluscam.tools.equation10(r, scores.length)" if tau is None else "tau"
    found = run(f"cluscam.tools.weigh(scores, r, {given})", scores=data["scores"], r=r, tau=tau)
    np.testing.assert_allclose(found["weights"], exact.weights[0].numpy(), atol=2e-4)
    assert set(found["kept"]) == set(torch.nonzero(exact.weights[0]).flatten().tolist())
    summed = np.array(found["weights"]) @ np.array(data["masks"])
    side = play.example.x.shape[-1]
    call = (
        f"[...cluscam.tools.normalized(cluscam.tools.upsample(map, {data['height']}, {data['width']}, {side}, {side}))]"
    )
    np.testing.assert_allclose(run(call, map=summed.tolist()), exact.saliency[0].flatten().numpy(), atol=2e-3)


@needs_node
def test_the_page_correlates_as_the_metric_does():
    a, b = torch.rand(2, 6, 6, generator=torch.Generator().manual_seed(1))
    found = run("cluscam.tools.correlation(a, b)", a=a.flatten().tolist(), b=b.flatten().tolist())
    assert found == pytest.approx(correlation(a, b), abs=1e-6)


def test_the_scripts_need_no_network_and_parse():
    for script in (*SCRIPTS, SCRIPTS[0].with_name("explore_ranks.js")):
        assert not re.search(r"https?:(?!//www.w3.org/2000/svg)|fetch\(|XMLHttp|import\s", script.read_text())
        if shutil.which("node"):
            assert subprocess.run(["node", "--check", script], capture_output=True).returncode == 0


def test_a_random_partition_keeps_the_sizes_and_leaves_black_maps(play):
    every, _ = random_groups(play, 1, "all")
    assert every.shape == play.few.centroids[0].shape
    black = play.reading.maps.clone()
    black[0, :40] = 0  # forty maps that show nothing
    from dataclasses import replace

    dimmed = replace(play, reading=replace(play.reading, maps=black))
    assert int((~alive(dimmed)).sum()) == 40
    sizes = torch.bincount(play.few.labels[0, 40:], minlength=8)
    total = (dimmed.reading.normalized[0].sum(0), torch.bincount(play.few.labels[0], minlength=8).double())
    for among in ("alive", "all"):
        masks, logits = random_groups(dimmed, 3, among)
        np.testing.assert_allclose((total[1][:, None, None] * masks).sum(0), total[0], rtol=1e-4)  # no map is lost
        assert logits.shape == (8,) and bool(logits.isfinite().all())
    assert int(sizes.sum()) == play.few.labels.shape[1] - 40


def test_the_table_of_partitions_is_of_the_logits(play):
    found = {"alive": [random_groups(play, 1)], "all": [random_groups(play, 1, "all")]}
    table = partition_table(play, found)
    assert len(table) == 3 and table["groups"].is_unique
    assert table["mean logit"][0] == pytest.approx(float(kmeans_logits(play).mean()))
    assert table["best logit"][1] == pytest.approx(float(found["alive"][0][1].max()))
    data = regroup_data(play, found)
    assert data["kmeans"]["logits"] == pytest.approx(kmeans_logits(play).tolist(), abs=1e-3)
    assert len(data["random"]["all"][0]["masks"]) == 8


def test_steps_of_k_means_end_where_scikit_learn_ends():
    points = np.random.default_rng(0).normal(size=(60, 4))
    steps = lloyd(points, 5, seed=2)
    centres, _ = kmeans_plusplus(points, 5, random_state=2)
    exact = KMeans(5, init=centres, n_init=1, tol=0, algorithm="lloyd").fit(points)
    np.testing.assert_array_equal(steps[-1].labels, exact.labels_)
    assert steps[-1].inertia == pytest.approx(exact.inertia_)
    inertia = [step.inertia for step in steps[1:]]
    assert all(a >= b - 1e-9 for a, b in zip(inertia, inertia[1:], strict=False))
    assert [step.what for step in steps[:3]] == ["start", "assign", "move"] and steps[-1].what == "assign"


def test_the_maps_of_k_means_are_real_ones_in_their_plane(play):
    numbers, points = some_maps(play, 20)
    assert len(numbers) == 20 == len(set(numbers.tolist())) and bool(alive(play)[numbers.tolist()].all())
    middle, axes = plane(points)
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-9)
    data = lloyd_data(play)
    assert len(data["maps"]) == len(data["points"]) == len(data["starts"][0][0]["labels"])
    assert {label for label in data["starts"][0][0]["labels"]} == {-1}


def test_seeds_are_compared_as_the_package_compares_them(play):
    stability = of_seeds(play, 3)
    table = correlations(stability)
    pairs = table[np.triu_indices(3, 1)]
    assert pairs.mean() == pytest.approx(float(stability.agreement[0]), abs=1e-6)
    data = seeds_data(play, stability)
    assert torch.equal(stability.maps[0, 0], play.full.saliency[0])
    assert len(data["maps"]) == 3 and data["correlations"][1][1] == pytest.approx(1)


def test_every_control_has_a_name_and_every_picture_a_text(pieces):
    for kind, text in pieces.items():
        markup = Markup(text)
        labelled = {attrs.get("for") for attrs, _ in markup.all("label")}
        for tag in ("input", "select"):
            for attrs, inside in markup.all(tag):
                assert "label" in inside or attrs["id"] in labelled, kind
        assert all(attrs["alt"] for attrs, _ in markup.all("img"))
        assert all(attrs["aria-label"] for attrs, _ in markup.all("canvas"))
        assert any(attrs.get("aria-live") == "polite" for attrs, _ in markup.all("p"))
        assert [attrs for attrs, _ in markup.all("section")] == [
            {"class": "cluscam-widget", "data-widget": kind, "aria-label": markup.all("section")[0][0]["aria-label"]}
        ]
        assert len(text) < 200_000


def test_a_piece_is_a_picture_until_it_is_touched(pieces):
    for text in pieces.values():
        start, body = text.index('class="cw-start"'), text.index('class="cw-body" hidden')
        assert "<img" in text[:start] and "<button" in text[start:body] and "hidden>" in text[start:body]


def test_data_cannot_leave_its_script():
    text = widget("masks", "a <title>", "<p>still</p>", "", {"word": "</script>"}).data
    assert text.count("</script>") == 1 and "a &lt;title&gt;" in text
    with pytest.raises(ValueError, match="JSON"):
        widget("masks", "t", "", "", {"number": float("nan")})


def test_numbers_and_pictures_as_text():
    assert said(-1.234) == "−1.23" and said(-0.001) == "0.00"
    assert png(np.zeros((2, 3, 3), np.uint8)).startswith("data:image/png;base64,") and len(colours()) < 2000


def test_k_means_of_a_transformers_maps_whose_cells_reach_beyond_what_is_upsampled_of_them():
    play = playground("scene_vit", "scene:3")
    numbers, _ = some_maps(play)
    assert play.reading.normalized[0, numbers.tolist()].min() < 0
    assert "group 1" in lloyd_widget(play).data
