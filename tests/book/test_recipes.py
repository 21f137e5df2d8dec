"""The recipes of the part *Use* run as they are printed, from top to bottom, in an empty folder with some images."""

import importlib.util
import re

import numpy as np
import pytest
import torch

from analysis.paths import ROOT
from cluscam_lite import ClusCAM, load_dataset
from cluscam_lite.methods import METHODS

BOOK = ROOT / "book"
PAGES = ("your_model", "other_libraries", "your_data", "extending")
BLOCK = re.compile(r"^(?:% needs: (?P<needs>[^\n]*)\n\n)?```python\n(?P<code>.*?)^```$", re.S | re.M)


def blocks(page: str) -> list[tuple[list[str], str, int]]:
    """What each block needs beyond the project's packages, its code, and the line of the page it starts at."""
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    return [
        ((match["needs"] or "").split(), match["code"], text[: match.start("code")].count("\n"))
        for match in BLOCK.finditer(text)
    ]


def missing(needs: list[str]) -> list[str]:
    return [name for name in needs if importlib.util.find_spec(name) is None]


def run(page: str, with_optional: bool) -> dict:
    """Execute the page's blocks in one namespace; errors name the page's own line.

    Without `with_optional` a block that needs more than the project's packages is left out.
    """
    namespace: dict = {"__name__": "recipe"}
    for needs, code, line in blocks(page):
        if not needs or with_optional:
            exec(compile("\n" * line + code, str(BOOK / f"{page}.md"), "exec"), namespace)
    return namespace


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with photos/, three drawn scenes; what a recipe registers is forgotten afterwards."""
    (tmp_path / "photos").mkdir()
    for i, sample in enumerate(load_dataset("scenes", n=3)):
        sample.image.save(tmp_path / "photos" / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    before = dict(METHODS)
    yield tmp_path
    METHODS.clear()
    METHODS.update(before)


def test_your_model(folder):
    found = run("your_model", with_optional=False)
    assert found["e"].layer == "3" and found["e"].saliency.shape == (2, 64, 64) and found["e"].forward_passes == 13
    assert found["margin"].target.tolist() == [-1, -1]
    assert found["by_numpy"].saliency.shape == (2, 64, 64) and found["by_numpy"].forward_passes == 5
    templates, x = found["templates"], found["x"]
    masked = x * found["by_numpy"].masks[:, :1]  # the scores are the stand-in's own answers, Eq. 5
    target = found["by_numpy"].target[:, None]
    change = templates.output(masked).gather(1, target) - templates.output(x).gather(1, target)
    torch.testing.assert_close(found["by_numpy"].scores[:, :1], change, rtol=0, atol=1e-4)
    assert {row["fill"] for row in found["rows"]} == {"mean", "black", "blur"}
    # the segmenter's mean over all cells is the classifier; each target's scores are what its output loses
    torch.testing.assert_close(
        found["segmenter"](found["picture"]).mean((2, 3)), found["small"].module(found["picture"]), rtol=0, atol=1e-3
    )
    for name in ("of_region", "of_box"):
        assert found[name].target.tolist() == [-1] and found[name].saliency.shape == (1, 96, 96)
        assert found[name].scores.isfinite().all() and not found[name].uniform.any()
    assert found["alike"].saliency.shape == (1, 224, 224) and found["other"].shape == (1280,)
    assert float(found["Similarity"](found["other"])(found["embedder"].output(found["person"]))) == pytest.approx(1)


def test_an_onnx_session_explains_like_the_module_it_came_from(folder):
    absent = missing([name for needs, _, _ in blocks("your_model") for name in needs])
    if absent:
        pytest.skip(f"not installed: {', '.join(sorted(set(absent)))}")
    found = run("your_model", with_optional=True)
    difference = (found["by_onnx"].saliency - found["by_torch"].saliency).abs().max()
    assert float(difference) < 1e-3 and found["by_onnx"].forward_passes == 31


def test_other_libraries(folder):
    absent = missing(["captum", "quantus"])
    found = run("other_libraries", with_optional=not absent)
    same = ClusCAM(found["model"], "layer4.1", n_clusters=12)(found["x"], torch.tensor([281, 3])).saliency
    assert np.array_equal(found["maps"], same.numpy())
    if absent:
        pytest.skip(f"ran without {', '.join(absent)}, not installed")
    assert found["attribution"].shape == found["x"].shape
    assert np.isfinite(found["curves"]).all()


def test_your_data(folder):
    table = run("your_data", with_optional=False)["table"]
    assert len(table) == 3 * 4 * 2 and table["image"].nunique() == 3
    assert (table["gain"] <= table["increase"]).all()
    fake = table[table["method"] == "fakecam"]
    assert np.isclose(fake["coverage"], 1, atol=1e-3).all()


def test_extending(folder):
    found = run("extending", with_optional=False)  # asserts what each extension owes
    maps, _ = found["EigenCAM"](found["loaded"].module, "stage4").model.forward(found["x"])
    _, _, right = np.linalg.svd(maps[0].flatten(1).double().numpy())
    pattern = np.maximum(right[0] * np.sign(right[0].sum()), 0).reshape(12, 12)
    raw = torch.nn.functional.interpolate(torch.tensor(pattern)[None, None], (96, 96), mode="bilinear")[0, 0]
    literal = (raw - raw.min()) / (raw.max() - raw.min())
    eigencam = METHODS["eigencam"].factory(found["loaded"].module, "stage4")
    torch.testing.assert_close(eigencam(found["x"]).saliency[0].double(), literal, rtol=0, atol=1e-4)
    assert found["value"] != 0


def test_what_a_recipe_registers_is_forgotten(folder):
    assert "eigencam" not in METHODS


@pytest.mark.parametrize("page", PAGES)
def test_every_page_has_recipes_and_says_what_they_need(page):
    found = blocks(page)
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    assert len(found) == text.count("```python") >= 3
    assert text.count("% needs:") == sum(bool(needs) for needs, _, _ in found)
