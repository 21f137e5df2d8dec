"""The nearest names are those a person would have meant."""

import pytest

from cluscam_lite.datasets.imagenet import imagenet_classes
from cluscam_lite.errors import nearest, unknown
from cluscam_lite.models import model_names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet5", "resnet50"),
        ("vit_tiny", "vit_tiny_patch16_224"),
        ("ResNet18", "resnet18"),
        ("mobilone", "mobileone_s0"),
    ],
)
def test_models(name, expected):
    assert expected in nearest(name, model_names())[:2]


def test_a_word_of_a_longer_name():
    assert nearest("ferrett", list(imagenet_classes()))[0] == "black-footed ferret"


def test_nothing_near_lists_what_there_is():
    assert str(unknown("method", "xyz", ["cluscam"])) == "unknown method 'xyz'; known: cluscam"
    assert "none is known" in str(unknown("thing", "x", []))
    assert nearest("", ["a"]) == []
