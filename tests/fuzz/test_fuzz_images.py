"""Damaged images: each is explained, or refused in one sentence that leaves nothing."""

import io
import shutil

import numpy as np
from damage import damaged
from fuzzing import FAST, examples, told, try_all
from hypothesis import strategies as st
from PIL import Image

FORMATS = ("png", "jpeg", "gif", "bmp", "tiff", "webp")


def good_files():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8))
    for name in FORMATS:
        buffer = io.BytesIO()
        picture.save(buffer, name)
        yield name, buffer.getvalue()


GOOD = dict(good_files())


@examples(24, 500)
def test_a_damaged_image(n, tmp_path):
    strategy = st.sampled_from(FORMATS).flatmap(lambda name: st.tuples(st.just(name), damaged(GOOD[name])))
    seen = set()

    def check(example):
        name, content = example
        path, out = tmp_path / f"image.{name}", tmp_path / "out"
        path.write_bytes(content)
        status, said = told(["explain", str(path), *FAST, "--out", str(out)], out)
        assert status == 0 or "image." in said
        seen.add(status)
        shutil.rmtree(out, ignore_errors=True)

    try_all(n, strategy, check)
    assert 2 in seen
