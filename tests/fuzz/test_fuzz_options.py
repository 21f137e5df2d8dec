"""Random options of `cluscam explain`: honoured, or refused in one sentence that leaves nothing."""

import shutil

from fuzzing import examples, told, try_all
from hypothesis import strategies as st

NUMBERS = ["0", "1", "3", "-1", "0.5", "nan", "inf", "1e400", "4294967296", "x", "", "٣"]
OPTIONS = {
    "--model": ["scene_cnn", "scene_vit", "scene_cn", "timm:nothing", "hf:", "x.py:f", "~nosuchuser/x", "."],
    "--method": ["cluscam", "gradcam", "reciprocam", "ones", "random", "nothing"],
    "--layer": ["paper", "last", "stage4", "fc", "", "nothing"],
    "--target": ["0", "cup", "-1", "+-5", "10", "cats", "1.0", ""],
    "--weights": ["auto", "random", "nothing.pth", "."],
    "--clusters": NUMBERS,
    "--drop": NUMBERS,
    "--temperature": NUMBERS,
    "--seed": NUMBERS,
    "--batch-size": NUMBERS,
    "--space": ["raw", "upsampled", "none"],
    "--clustering": ["kmeans", "random", "none", "agglomerative", "x"],
    "--fill": ["mean", "black", "blur", "red"],
    "--preprocess": ["standard", "paper", "x"],
    "--device": ["cpu", "cuda", "tpu", "cuda:99"],
    "--maps": ["npz", "npy", "png"],
    "--size": ["64", "0", "100000000000000000000"],
    "--tuned": ["nothing.json", "."],
    "--data-root": [".", "nothing", ""],
}


@st.composite
def commands(draw):
    odd = draw(st.integers(0, 2)) == 0  # else most of what is drawn can be honoured
    images = ["scene:-1", "scene:", "photograph:cat", "nothing.png", "."] if odd else ["scene:3"]
    given = {"--model": "scene_cnn", "--clusters": "3"}
    for option in draw(st.lists(st.sampled_from(sorted(OPTIONS)), max_size=5 if odd else 2, unique=True)):
        given[option] = draw(st.sampled_from(OPTIONS[option]))
    image = draw(st.sampled_from(images))
    return [image, *(f"{option}={value}" for option, value in given.items())]


@examples(24, 500)
def test_random_options(n, tmp_path, monkeypatch, no_data_root):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    seen = set()

    def check(arguments):
        out = tmp_path / "out"
        seen.add(told(["explain", *arguments, "--no-figures", "--out", str(out)], out)[0])
        assert not list((tmp_path / "empty").iterdir())
        shutil.rmtree(out, ignore_errors=True)

    try_all(n, commands(), check)
    assert seen >= {0, 2}
