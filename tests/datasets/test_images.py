"""Opening images of every kind, and every way a file can fail to be one."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image, ImageFile

from cluscam_lite.datasets import open_image
from cluscam_lite.errors import CluscamError

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def texture(width=64, height=48):
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def test_a_path_bytes_and_a_file_are_the_same(tmp_path):
    image = texture()
    path = tmp_path / "a.png"
    image.save(path)
    with path.open("rb") as file:
        opened = [open_image(path), open_image(str(path)), open_image(path.read_bytes()), open_image(file)]
    for result in opened:
        assert result.mode == "RGB" and np.array_equal(result, image)
    pickle.dumps(opened[0])  # fully read, nothing of the file is held


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(orientation):
    """EXIF orientation 1 to 8, checked by where the corners go."""
    upright = Image.new("RGB", (40, 24), WHITE)
    for colour, corner in ((RED, (0, 0)), (GREEN, (32, 0)), (BLUE, (0, 16))):
        upright.paste(colour, (*corner, corner[0] + 8, corner[1] + 8))
    T = Image.Transpose
    undo = {2: T.FLIP_LEFT_RIGHT, 3: T.ROTATE_180, 4: T.FLIP_TOP_BOTTOM, 5: T.TRANSPOSE}
    undo |= {6: T.ROTATE_90, 7: T.TRANSVERSE, 8: T.ROTATE_270}
    stored = upright if orientation == 1 else upright.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(stored, "JPEG", quality=95, exif=exif, subsampling=0)
    turned = open_image(data)
    assert turned.size == (40, 24)
    for colour, corner in ((RED, (4, 4)), (GREEN, (36, 4)), (BLUE, (4, 20))):
        assert np.abs(np.subtract(turned.getpixel(corner), colour)).max() < 30
    assert open_image(data, upright=False).size == stored.size


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_is_ignored():
    data = encoded(texture(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff broken")
    assert open_image(data).size == (64, 48)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_becomes_white(mode):
    image = Image.new("RGBA", (4, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    image = image.convert(mode) if mode != "PA" else image
    kind = "PNG" if mode != "PA" else "WEBP"
    data = encoded(image, kind, **({"lossless": True} if kind == "WEBP" else {}))
    values = np.asarray(open_image(data))[0, :, 0]
    assert values[0] == 0 and values[1] == 255 and abs(int(values[2]) - 127) <= 1


def test_transparent_colours_of_palettes_and_of_png():
    palette = Image.new("P", (2, 1))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.putpixel((1, 0), 1)
    data = encoded(palette, "PNG", transparency=1)
    assert [open_image(data).getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert [open_image(encoded(palette)).getpixel((x, 0)) for x in (0, 1)] == [RED, BLUE]
    rgb = Image.new("RGB", (2, 1), RED)
    rgb.putpixel((1, 0), BLUE)
    data = encoded(rgb, "PNG", transparency=BLUE)
    assert [open_image(data).getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled(kind):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    result = np.asarray(open_image(encoded(Image.fromarray(values), kind)))
    assert result.shape == (1, 4, 3) and result[0, :, 0].tolist() == [0, 1, 128, 255]


def test_deeper_grey():
    def grey(values, kind="TIFF"):
        return np.asarray(open_image(encoded(Image.fromarray(np.array([values])), kind)))[0, :, 0].tolist()

    assert grey(np.array([0, 65535, 32896], dtype=np.int32)) == [0, 255, 128]
    assert grey(np.array([-10, 0, 10], dtype=np.int32)) == [0, 128, 255]
    assert grey(np.array([0, 200_000, 100_000], dtype=np.int32)) == [0, 255, 128]
    assert grey(np.array([0.0, 1.0, 0.5], dtype=np.float32)) == [0, 255, 128]
    assert grey(np.array([0.0, 20.0, np.nan], dtype=np.float32)) == [0, 255, 0]
    assert grey(np.array([7.0, 7.0], dtype=np.float32)) == [0, 0]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "CMYK", "YCbCr"])
def test_other_modes_keep_their_colours(mode):
    image = texture().convert("L") if mode in ("1", "L") else texture()
    stored = image.convert(mode)
    kind = {"CMYK": "TIFF", "YCbCr": "TIFF"}.get(mode, "PNG")
    result = open_image(encoded(stored, kind))
    assert result.mode == "RGB" and result.size == image.size
    assert np.abs(np.asarray(result, int) - np.asarray(stored.convert("RGB"), int)).max() <= 2


def test_cmyk_jpeg_is_not_inverted():
    data = encoded(Image.new("RGB", (16, 16), (200, 40, 40)).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(np.subtract(open_image(data).getpixel((8, 8)), (200, 40, 40))).max() <= 6


def test_the_first_frame_of_an_animation():
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_image(data).getpixel((4, 4)) == RED


def test_what_is_not_an_image(tmp_path):
    def message(path):
        with pytest.raises(CluscamError) as caught:
            open_image(path)
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)
        return str(caught.value)

    assert "there is no image" in message(tmp_path / "absent.png")
    assert "is a folder" in message(tmp_path)
    (tmp_path / "empty.png").touch()
    assert "is empty" in message(tmp_path / "empty.png")
    (tmp_path / "text.jpg").write_text("not an image at all")
    assert "is not an image" in message(tmp_path / "text.jpg")
    with pytest.raises(CluscamError, match="the image x is empty"):
        open_image(b"", name="x")
    with pytest.raises(CluscamError, match="the given data is not an image"):
        open_image(b"abc")
    for odd in (None, 3, Image.new("RGB", (4, 4)), np.zeros((4, 4, 3))):
        with pytest.raises(CluscamError, match=f"the image is a {type(odd).__name__}; expected a path, bytes"):
            open_image(odd)


@pytest.mark.parametrize("kind", ["PCX", "EPS", "TGA"])
def test_an_image_of_another_format_is_refused_by_what_it_is_and_not_by_its_name(kind, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(texture(), kind))
    with pytest.raises(CluscamError, match=r"photo.png is not an image in a format that can be read: JPEG, PNG"):
        open_image(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_a_truncated_image_is_refused(kind, tmp_path):
    data = encoded(texture(), kind)
    path = tmp_path / f"cut.{kind.lower()}"
    for part in (0.5, 0.8):
        path.write_bytes(data[: int(part * len(data))])
        with pytest.raises(CluscamError, match=r"cut\.\w+ is (cut short or damaged|not an image)"):
            open_image(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP"])
def test_damaged_bytes_are_an_image_or_one_sentence(kind):
    """Whatever is done to the bytes, nothing but an RGB image or a CluscamError comes out."""
    data = encoded(texture(), kind)
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for place in rng.integers(0, len(data), 4):
            damaged[place] = rng.integers(256)
        try:
            assert open_image(bytes(damaged)).mode == "RGB"
        except CluscamError as error:
            assert "\n" not in str(error)


def test_an_image_with_too_many_pixels(monkeypatch):
    data = encoded(texture())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(CluscamError, match="too many pixels"):
        open_image(data)


@pytest.mark.parametrize(
    ("kind", "largest"), [(np.int32, 255), (np.uint16, 255), (np.uint16, 4095), (np.uint16, 65535)]
)
def test_grey_of_8_12_and_16_bits_is_as_bright(kind, largest):
    """A medical image has 12 bits, which are in files of 16; and some programs write 8 as 32."""
    values = np.array([[0, largest // 2, largest]], dtype=kind)
    assert np.asarray(open_image(encoded(Image.fromarray(values), "TIFF")))[0, :, 0].tolist() == [0, 127, 255]
