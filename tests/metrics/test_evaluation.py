"""Several images evaluated at once: the numbers that each has alone, in passes of one size."""

import numpy as np
import pytest
import torch
from tiny import images, network

from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import evaluate, evaluate_images

NORMALIZATION = ((0.5,) * 3, (0.25,) * 3)
MAPS = torch.rand(3, 33, 40, generator=torch.Generator().manual_seed(0)) ** 3
TARGETS = [0, 3, 1]


class Watched:
    """A network that notes the size of each pass."""

    def __init__(self):
        self.net, self.sizes = network().double(), []

    def __call__(self, x):
        self.sizes.append(len(x))
        return self.net(x)


def assert_same(rows, others):
    for row, other in zip(rows, others, strict=True):
        assert [*row] == [*other] and all(row.pop(key) == other.pop(key) for key in ("form", "fill"))
        assert row == pytest.approx(other, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("batch_size", [None, 2, 5, 8, 24, 100])
def test_together_as_alone(batch_size):
    net, x = Watched(), images(3).double()
    found = evaluate_images(net, x, MAPS, TARGETS, normalization=NORMALIZATION, batch_size=batch_size)
    assert len(set(net.sizes)) == 1 and net.sizes[0] == min(batch_size or 32, 24)
    torch.testing.assert_close(found.unmasked, net.net(x))
    for i, rows in enumerate(found.rows):
        alone = evaluate(net, x[i : i + 1], MAPS[i], TARGETS[i], normalization=NORMALIZATION)
        assert len(rows) == 7
        assert_same(rows, alone)


def test_images_that_were_looked_at_are_not_looked_at_again():
    net, x = Watched(), images(3).double()
    first = evaluate_images(net, x, MAPS, TARGETS, normalization=NORMALIZATION, batch_size=8)
    assert net.sizes == [8] * 3
    again = evaluate_images(net, x, MAPS, TARGETS, normalization=NORMALIZATION, batch_size=8, unmasked=first.unmasked)
    assert net.sizes == [8] * 6  # 21 copies and three to fill up; of more images a pass in eight is saved
    for rows, expected in zip(again.rows, first.rows, strict=True):
        assert_same(rows, expected)
    one = evaluate_images(net, x, MAPS, TARGETS, fills=("mean",), forms=("raw",), batch_size=3, unmasked=first.unmasked)
    assert net.sizes[6:] == [3] and torch.equal(one.unmasked, first.unmasked)


def test_mistakes_are_one_sentence():
    net, x = network(), images(3)
    for maps, targets in ((MAPS[:2], TARGETS), (MAPS, [0, 1]), (MAPS[:, :5], TARGETS)):
        with pytest.raises(CluscamError, match="a class for each"):
            evaluate_images(net, x, maps, targets, fills=("mean",))
    with pytest.raises(CluscamError, match="the class 5 is outside the network's; expected one .* from 0 to 4"):
        evaluate_images(net, x, MAPS, [0, 1, 5], fills=("mean",))


@pytest.mark.parametrize("words", [{"forms": "raw"}, {"fills": "mean"}, {"forms": 3}, {"forms": None}])
def test_what_is_no_list_of_names_is_refused(words):
    ((name, word),) = words.items()
    with pytest.raises(CluscamError, match=rf"{name} is {word!r}; expected a list of names, of \('(raw|mean)', "):
        evaluate(network(), images(1), MAPS[0], 0, **words)


def test_classes_may_be_an_array():
    net, x = network(), images(3)
    listed, array = (evaluate_images(net, x, MAPS, of, fills=("mean",)).rows for of in (TARGETS, np.array(TARGETS)))
    assert listed == array
