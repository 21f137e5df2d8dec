"""The chapter with controls: its data are the network's own answers, and its markup works from the keyboard."""

import base64
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import drawn
import numpy as np
import pytest
import torch
from PIL import Image

from analysis.chapters.learn import playground_figures as figures
from analysis.chapters.learn.playground import at_temperature, chosen_masks, playground, share_above, temperatures
from analysis.chapters.learn.widgets import mask_data, mask_widget, png, tau_widget
from analysis.paths import ROOT
from cluscam_lite import load_model

SCRIPT = ROOT / "book" / "_static" / "widgets.js"


@pytest.fixture(scope="module")
def play():
    return playground()


def opened(uri: str) -> np.ndarray:
    head, _, data = uri.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


class Markup(HTMLParser):
    """The tags of a piece of HTML, checked to be properly nested."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs), tuple(self.open)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def all(self, tag):
        return [(attrs, inside) for name, attrs, inside in self.tags if name == tag]


def script_data(text: str) -> dict:
    (found,) = re.findall(r'<script type="application/json">(.*?)</script>', text, re.S)
    return json.loads(found)


def test_the_numbers_of_a_subset_are_the_networks(play):
    loaded = load_model("scene_cnn")
    data, subset = script_data(mask_widget(play)), 0b10100101
    scene = torch.from_numpy(play.example.photo).permute(2, 0, 1)[None].float()
    x = (scene - torch.tensor(loaded.spec.mean).view(1, 3, 1, 1)) / torch.tensor(loaded.spec.std).view(1, 3, 1, 1)
    mask = chosen_masks(play, subset)
    with torch.no_grad():
        logits = loaded.module(x * mask).double()[0]
    target = loaded.spec.class_names.index(data["class"])
    assert data["logit"][subset] == pytest.approx(float(logits[target]), abs=2e-3)
    assert data["probability"][subset] == pytest.approx(100 * float(logits.softmax(0)[target]), abs=0.02)
    assert data["coverage"][subset] == pytest.approx(100 * float(mask.mean()), abs=0.01)
    assert data["unmasked"]["logit"] == pytest.approx(play.example.logit, abs=1e-3)
    assert {len(data[name]) for name in ("logit", "probability", "coverage", "drop", "gain")} == {256}
    assert sum(data["shapley"]) == pytest.approx(data["logit"][-1] - data["logit"][0], abs=0.01)  # efficiency


def test_the_page_draws_what_the_network_saw(play):
    """What widgets.js computes from the two pictures is the masked input, to the rounding of bytes."""
    data, subset = mask_data(play), 0b01000010
    sheet = opened(data["masks"])[..., 0].reshape(data["n"], data["height"], data["width"]) / 255
    share = sheet[[j for j in range(data["n"]) if subset >> j & 1]].max(0)[..., None]
    shown = share * opened(data["scene"]) + (1 - share) * np.array(data["hidden"])
    exact = chosen_masks(play, subset).numpy()[..., None]
    seen = 255 * (exact * play.example.photo + (1 - exact) * np.array(play.example.spec.mean))
    assert np.abs(shown - seen).max() < 1.5


def test_presets_are_what_they_are_called(play):
    logits = play.subsets["logit"]
    assert logits[play.best] == logits.max() and share_above(play, play.best) == 0
    assert share_above(play, int(logits.argmin())) > 99
    kept = [j for j in range(8) if play.few.weights[0, j] > 0]
    assert play.kept == sum(2**j for j in kept) and 0 < len(kept) < 8
    buttons = [int(attrs["data-subset"]) for attrs, _ in Markup(mask_widget(play)).all("button")]
    assert buttons == [0, 255, play.kept, play.best]


def test_temperatures_hold_equation_10s_and_reweigh(play):
    taus = temperatures(play.full)
    assert len(taus) == len(set(taus)) == 12 and taus == sorted(taus)
    assert float(play.full.temperature[0]) in taus
    found = [at_temperature(play.full, tau) for tau in taus]
    assert all(abs(sum(one["weights"]) - 1) < 1e-5 and one["weights"][0] == max(one["weights"]) for one in found)
    effective = [one["effective"] for one in found]
    assert effective == sorted(effective) and effective[0] >= 1  # a higher temperature is more even
    assert effective[-1] <= int((play.full.weights > 0).sum()) + 1e-6
    equation = found[taus.index(float(play.full.temperature[0]))]
    assert torch.equal(equation["saliency"], play.full.saliency[0])
    data = script_data(tau_widget(play))
    assert [frame["tau"] for frame in data["frames"]].count(data["equation"]) == 1
    assert all(opened(frame["picture"]).shape == (96, 96, 3) for frame in data["frames"])


@pytest.mark.parametrize("make", [mask_widget, tau_widget])
def test_every_control_has_a_name_and_every_picture_a_text(play, make):
    markup = Markup(make(play))
    controls = markup.all("input")
    assert controls
    for attrs, inside in controls:
        labelled = {other.get("for") for other, _ in markup.all("label")}
        assert "label" in inside or attrs["id"] in labelled
        assert "disabled" in attrs  # until the script is there
    assert all(attrs["alt"] for attrs, _ in markup.all("img"))
    assert all(attrs["aria-label"] for attrs, _ in markup.all("canvas"))
    assert any(attrs.get("aria-live") == "polite" for attrs, _ in markup.all("p"))
    assert len(make(play)) < 200_000


def test_pictures_survive_the_data_uri():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(opened(png(picture)), picture)
    few = opened(png(picture, colours=4)).reshape(-1, 3)
    assert len(np.unique(few, axis=0)) <= 4


def test_the_script_needs_no_network_and_parses():
    text = SCRIPT.read_text()
    assert not re.search(r"https?:|fetch\(|XMLHttp|import\s", text)
    if node := shutil.which("node"):
        assert subprocess.run([node, "--check", SCRIPT], capture_output=True).returncode == 0


def test_the_static_figures_show_the_same(play):
    alone = figures.groups_alone_figure(play)
    assert drawn.titles(alone).count(f"logit {play.subsets['logit'][4]:.2f}".replace("-", "−")) == 1
    logits = play.subsets["logit"]
    said = [float(title.split("\n")[1].replace("−", "-")) for title in drawn.titles(figures.choices_figure(play))]
    assert said == pytest.approx([play.example.logit, logits[play.kept], logits.max(), logits.min()], abs=0.006)
    np.testing.assert_allclose(drawn.widths(figures.shapley_figure(play).axes[1]), play.values)
    shares = [title.split("\n")[1] for title in drawn.titles(figures.temperatures_figure(play))]
    every_other = [at_temperature(play.full, tau) for tau in temperatures(play.full)[::2]]
    assert shares == [f"{found['heaviest']:.0f} %" for found in every_other]
