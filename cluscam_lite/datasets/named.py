"""One image by its name: a file, the icon scene of ``scene:N``, or the free photograph of ``photograph:NAME``."""

from PIL import Image

from ..errors import CluscamError
from ..files import PathLike
from .images import open_image

SCENE, PHOTOGRAPH = "scene:", "photograph:"


def scene_number(name: str) -> int:
    """N of ``scene:N``. Raises CluscamError if it is no whole number."""
    number = name.removeprefix(SCENE)
    if not number.isdecimal():
        raise CluscamError(f"{name!r} is not a scene; expected {SCENE}N with a whole number N, such as {SCENE}3")
    return int(number)


def load_image(name: PathLike) -> Image.Image:
    """The image, RGB, that is called ``photograph:chelsea``, ``scene:3``, or the path of a file.

    Raises CluscamError if there is no such image or it cannot be read.
    """
    text = str(name)
    if text.startswith(SCENE):
        from .scenes.scene import render, scene_at

        return render(scene_at(scene_number(text)))
    if text.startswith(PHOTOGRAPH):
        from .photographs import photograph

        return photograph(text.removeprefix(PHOTOGRAPH)).image
    return open_image(name)
