"""Pictures: exact values by hand, nothing hidden behind anything else, and what cannot be drawn is refused."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from cluscam_lite.algorithm.masks import centroids_of, normalized_maps, saliency_of
from cluscam_lite.algorithm.weighting import softmax_weights
from cluscam_lite.errors import CluscamError, UnknownName
from cluscam_lite.explanation import ClusteredExplanation
from cluscam_lite.models import get_spec
from cluscam_lite.show import drawing, pictures


def made_up(k: int, size: tuple[int, int] = (64, 64), drop_ratio: float = 0.3, scale: float = 1.0):
    """An explanation of one image with `k` clusters of random maps."""
    generator = torch.Generator().manual_seed(k)
    maps = torch.rand(1, 2 * k, 5, 5, generator=generator)
    labels = torch.arange(2 * k)[None] % k
    centroids, valid = centroids_of(normalized_maps(maps, size), labels, k)
    scores = scale * torch.randn(1, k, generator=generator)
    weights, tau = softmax_weights(scores, valid, drop_ratio)
    saliency, uniform = saliency_of(weights, centroids, size)
    return ClusteredExplanation(
        saliency=saliency,
        target=torch.tensor([2]),
        output=torch.randn(1, 10, generator=generator),
        uniform=uniform,
        layer="some.layer",
        labels=labels,
        centroids=centroids,
        valid=valid,
        scores=scores,
        weights=weights,
        drop_ratio=drop_ratio,
        temperature=tau,
    )


def image(size: tuple[int, int] = (64, 64)) -> np.ndarray:
    return np.random.default_rng(0).random((*size, 3))


def texts(figure: Figure) -> list[Text]:
    return [text for text in figure.findobj(Text) if text.get_visible() and text.get_text()]


def assert_legible(figure: Figure) -> None:
    """No two texts overlap, none leaves the figure, and none lies on a picture."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts(figure)]
    page = figure.bbox
    for text, box in boxes:
        assert box.x0 >= page.x0 and box.x1 <= page.x1 and box.y0 >= page.y0 and box.y1 <= page.y1, text
    for (one, a), (other, b) in combinations(boxes, 2):
        assert not a.overlaps(b), (one, other)
    pictures = [picture.get_window_extent(renderer) for ax in figure.axes for picture in ax.images]
    for text, box in boxes:
        assert not any(box.overlaps(picture) for picture in pictures), text
    assert min(text.get_fontsize() for text in texts(figure)) >= 8


def test_overlay_by_hand():
    red = np.zeros((1, 2, 3))
    red[..., 0] = 1.0
    drawn = drawing.overlay(red, np.array([[0.0, 1.0]]))
    assert drawn.dtype == np.uint8 and drawn.shape == (1, 2, 3)
    grey = 0.65 * 0.299
    under = pictures.DIM * np.array([0.35 + grey, grey, grey])
    hottest = np.array([0.988362, 0.998364, 0.644924])  # the last entry of inferno
    np.testing.assert_array_equal(drawn[0, 0], np.rint(255 * under))
    share = drawing.OPACITY
    np.testing.assert_allclose(drawn[0, 1], 255 * (under * (1 - share) + hottest * share), atol=1)


def test_masked_by_hand():
    drawn = drawing.masked(np.full((1, 3, 3), 1.0), np.array([[0.0, 0.5, 1.0]]), background=(0.2, 0.2, 0.2))
    assert drawn[0, :, 0].tolist() == [51, 153, 255]


def test_heat_map_spans_zero_to_one_whatever_its_range():
    low, high = drawing.heat_map(np.array([[0.0, 0.5]]))[0], drawing.heat_map(np.array([[0.5, 1.0]]))[0]
    np.testing.assert_array_equal(low[1], high[0])


@pytest.mark.parametrize("name", drawing.COLOR_MAPS)
def test_colour_maps_rise_in_lightness(name):
    colours = drawing.heat_map(np.linspace(0, 1, 64)[None], name)[0] / 255
    assert (np.diff(colours @ [0.2126, 0.7152, 0.0722]) > 0).all()


def test_jet_is_refused():
    with pytest.raises(UnknownName, match="colour map 'jet'"):
        drawing.overlay(image(), np.zeros((64, 64)), color_map="jet")


@pytest.mark.parametrize("model", ["scene_cnn", "resnet50", "vit_tiny_patch16_224"])
def test_denormalized_is_what_the_network_sees(model):
    preprocess = get_spec(model).preprocess()
    pixels = np.random.default_rng(1).integers(0, 256, (120, 150, 3), dtype=np.uint8)
    photograph = Image.fromarray(pixels)
    seen = drawing.denormalized(preprocess(photograph), preprocess.mean, preprocess.std)
    np.testing.assert_array_equal(np.rint(255 * seen), np.asarray(preprocess.view(photograph)))


def test_images_of_every_kind_are_the_same_picture():
    pixels = np.random.default_rng(2).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    for given in (pixels, pixels / 255, Image.fromarray(pixels)):
        np.testing.assert_allclose(drawing.as_rgb(given), pixels / 255)
    assert drawing.as_rgb(np.zeros((4, 6))).shape == (4, 6, 3)


@pytest.mark.parametrize("draw", [drawing.overlay, drawing.masked])
def test_another_size_is_one_sentence(draw):
    with pytest.raises(CluscamError, match="expected the same size"):
        draw(image(), np.zeros((7, 7)))


def test_no_picture_is_one_sentence():
    with pytest.raises(CluscamError, match=r"expected \(H, W, 3\)"):
        drawing.as_rgb(np.zeros((3, 8, 9)))


@pytest.mark.parametrize("k", [1, 2, 7, 13, 30, 50])
def test_clusters_are_legible(k):
    assert_legible(drawing.clusters_figure(image(), made_up(k), class_name="tabby", model="A network"))


@pytest.mark.parametrize("size", [(48, 96), (96, 48)])
def test_clusters_of_oblong_images_are_legible(size):
    assert_legible(drawing.clusters_figure(image(size), made_up(8, size), class_name="tabby"))


@pytest.mark.parametrize("scale", [1e-4, 300.0, 5e5])
def test_scores_of_any_size_are_legible(scale):
    assert_legible(drawing.clusters_figure(image(), made_up(13, scale=scale)))


def test_dropped_clusters_say_so_and_the_rest_fall_by_score():
    e = made_up(10)
    figure = drawing.clusters_figure(image(), e)
    cells = [text.get_text() for text in figure.texts if text.get_text().startswith("s = ")]
    assert len(cells) == 10 and [("dropped" in cell) for cell in cells] == [False] * 7 + [True] * 3
    scores = [float(cell.split()[2].replace("\N{MINUS SIGN}", "-")) for cell in cells]
    assert scores == sorted(scores, reverse=True)


def test_only_the_best_are_drawn_where_there_are_many():
    figure = drawing.clusters_figure(image(), made_up(40), max_clusters=12)
    written = [text.get_text() for text in figure.texts]
    assert sum(text.startswith("s = ") for text in written) == 12
    assert any("the 12 of highest score are shown" in text for text in written)


@pytest.mark.parametrize("class_name", ["", "tabby", "black and gold garden spider, " * 8, "$100 bill_of $x^2$"])
@pytest.mark.parametrize("size", [(64, 64), (48, 96)])
def test_explanations_are_legible(class_name, size):
    figure = drawing.explanation_figure(image(size), made_up(4, size), class_name=class_name, model="A network " * 9)
    assert_legible(figure)


def test_a_map_without_contrast_says_so():
    e = made_up(3)
    flat = ClusteredExplanation(**vars(e) | {"saliency": torch.zeros_like(e.saliency), "uniform": torch.tensor([True])})
    figure = drawing.explanation_figure(image(), flat)
    assert any("no contrast" in text.get_text() for text in figure.texts)


def test_the_parts_draw_into_axes_of_others():
    figure = drawing.new_figure(4, 3)
    axes = figure.subplots(1, 4)
    drawing.draw_image(axes[0], image(), "image")
    drawing.draw_overlay(axes[1], image(), torch.rand(64, 64), "overlay")
    drawing.draw_mask(axes[2], torch.rand(64, 64), "mask")
    drawing.draw_masked(axes[3], image(), torch.rand(64, 64), "masked")
    assert [len(ax.images) for ax in axes] == [1] * 4
    assert [ax.get_title() for ax in axes] == ["image", "overlay", "mask", "masked"]


def test_pyplot_is_not_needed():
    code = "import sys, cluscam_lite.show.drawing; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
