"""Targets beyond classification, by hand and through ClusCAM; what does not fit is one sentence."""

import doctest

import pytest
import torch
from tiny import images
from torch import nn

from cluscam_lite import ClusCAM, targets
from cluscam_lite.errors import CluscamError
from cluscam_lite.targets import BoxScore, SegmentationTarget, Similarity


class Detector(nn.Module):
    """Two boxes for each image, left and right, whose scores are the halves' brightness; as torchvision gives them."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, stride=4)

    def forward(self, x):
        found, width = [], x.shape[-1]
        boxes = torch.tensor([[0, 0, width / 2, 33], [width / 2, 0, width, 33]])
        for maps in self.conv(x).relu():
            left, right = maps.tensor_split(2, dim=-1)
            scores = torch.stack([left.mean(), right.mean()]).sigmoid()
            best_first = scores.argsort(descending=True)
            found.append({"boxes": boxes[best_first], "scores": scores[best_first], "labels": torch.tensor([1, 1])})
        return found


def segmenter():
    return nn.Sequential(nn.Conv2d(3, 24, 5, stride=4), nn.ReLU(), nn.Conv2d(24, 5, 1)).eval()


def test_a_segmentation_is_the_mean_logit_of_the_class_over_the_region():
    output = torch.randn(3, 5, 4, 6)
    region = torch.zeros(4, 6, dtype=torch.bool)
    region[1:3, 2:] = True
    by_hand = output[:, 2, 1:3, 2:].mean((1, 2))
    torch.testing.assert_close(SegmentationTarget(2, region)(output), by_hand)
    torch.testing.assert_close(SegmentationTarget(2, region)(output[1]), by_hand[1])
    torch.testing.assert_close(SegmentationTarget(2, region)({"out": output}), by_hand)
    torch.testing.assert_close(SegmentationTarget(2)(output), output[:, 2].mean((1, 2)))
    weighted = SegmentationTarget(2, 3 * region.float())  # weights count in their ratios alone
    torch.testing.assert_close(weighted(output), by_hand)


def test_scores_are_changes_of_the_target_behind_each_mask():
    net, x = segmenter(), images()
    region = torch.zeros(8, 9)
    region[:4] = 1
    target = SegmentationTarget(3, region)
    e = ClusCAM(net, layer="1", n_clusters=4)(x, target)
    with torch.no_grad():
        change = target(net(x * e.masks[:, :1])) - target(net(x))
    torch.testing.assert_close(e.scores[:, 0], change, rtol=0, atol=1e-5)
    assert e.target.tolist() == [-1, -1]


def test_each_image_has_its_own_region():
    net, x = segmenter(), images()
    regions = [torch.zeros(8, 9), torch.zeros(8, 9)]
    regions[0][:4], regions[1][4:] = 1, 1
    together = ClusCAM(net, layer="1", n_clusters=4)(x, [SegmentationTarget(3, region) for region in regions])
    for i, region in enumerate(regions):
        alone = ClusCAM(net, layer="1", n_clusters=4)(x[i : i + 1], SegmentationTarget(3, region))
        torch.testing.assert_close(together.scores[i], alone.scores[0], rtol=0, atol=1e-5)


def test_each_image_has_its_own_row_of_a_dictionary():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = segmenter()

        def forward(self, x):
            return {"out": self.net(x)}

    net, x = Named().eval(), images()
    several = ClusCAM(net, layer="net.1", n_clusters=4)(x, [SegmentationTarget(1), SegmentationTarget(2)])
    alone = ClusCAM(net, layer="net.1", n_clusters=4)(x[1:], SegmentationTarget(2))
    torch.testing.assert_close(several.scores[1], alone.scores[0], rtol=0, atol=1e-5)


def test_a_box_score_is_the_best_product_of_score_and_overlap():
    boxes = torch.tensor([[0.0, 0.0, 8.0, 8.0], [4.0, 0.0, 12.0, 8.0], [0.0, 0.0, 8.0, 8.0]])
    found = {"boxes": boxes, "scores": torch.tensor([0.3, 0.9, 1.0]), "labels": torch.tensor([1, 1, 2])}
    nothing = {"boxes": boxes[:0], "scores": torch.ones(0), "labels": torch.ones(0, dtype=torch.long)}
    target = BoxScore((0, 0, 8, 8), 1)
    # the first overlaps wholly, the second by 32 of 96; another class does not count
    torch.testing.assert_close(target([found, nothing]), torch.tensor([max(0.3, 0.9 / 3), 0.0]))
    torch.testing.assert_close(target(found), torch.tensor(0.3))
    torch.testing.assert_close(BoxScore(torch.tensor([20.0, 20, 30, 30]), 1)([found]), torch.tensor([0.0]))


def test_a_detection_is_explained_wherever_the_network_lists_it():
    net, x = Detector().eval(), images()
    left = BoxScore((0, 0, 20, 33), 1)
    e = ClusCAM(net, layer="conv", n_clusters=4)(x, left)
    with torch.no_grad():
        change = left(net(x * e.masks[:, :1])) - left(net(x))
    torch.testing.assert_close(e.scores[:, 0], change, rtol=0, atol=1e-5)
    own = ClusCAM(net, layer="conv", n_clusters=4)(x, [left, BoxScore((20, 0, 40, 33), 1)])
    torch.testing.assert_close(own.scores[0], e.scores[0], rtol=0, atol=1e-5)
    assert not torch.allclose(own.scores[1], e.scores[1], atol=1e-3)


def test_a_similarity_is_the_cosine():
    output = torch.randn(3, 7)
    other = torch.randn(7)
    by_hand = (output @ other) / output.norm(dim=1) / other.norm()
    torch.testing.assert_close(Similarity(other)(output), by_hand)
    torch.testing.assert_close(Similarity(5 * other)(output[0]), by_hand[0])


MAPS, EMBEDDINGS = torch.randn(2, 5, 4, 4), torch.randn(2, 7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: SegmentationTarget(-1), "class_index is -1; expected a whole number"),
        (lambda: SegmentationTarget(True), "class_index is True"),
        (lambda: SegmentationTarget(1, [[1]]), "region is a list; expected a mask"),
        (lambda: SegmentationTarget(1, torch.ones(2, 3, 3)), r"region is a tensor \(2, 3, 3\)"),
        (lambda: SegmentationTarget(1, torch.zeros(3, 3)), "region has no pixel"),
        (lambda: SegmentationTarget(1, torch.tensor([[-1.0, 1.0]])), "none below"),
        (lambda: SegmentationTarget(5)(MAPS), "class_index is 5; expected 0 to 4"),
        (lambda: SegmentationTarget(1)(EMBEDDINGS), r"got a tensor \(2, 7\); expected the class maps"),
        (lambda: SegmentationTarget(1)({"logits": MAPS}), "got a NoneType"),
        (lambda: SegmentationTarget(1, torch.ones(3, 3))(MAPS), r"class maps are \(4, 4\)"),
        (lambda: BoxScore((0, 0, 4), 1), "xmin, ymin, xmax, ymax"),
        (lambda: BoxScore((4, 0, 0, 4), 1), "the larger ones last"),
        (lambda: BoxScore((0, 0, 4, 4), 1.5), "label is 1.5"),
        (lambda: BoxScore((0, 0, 4, 4), 1)(MAPS), "expected a list with a dictionary"),
        (lambda: BoxScore((0, 0, 4, 4), 1)([]), "expected a list with a dictionary"),
        (lambda: BoxScore((0, 0, 4, 4), 1)([{"boxes": torch.ones(2, 4)}]), r"boxes a tensor \(2, 4\); expected"),
        (lambda: Similarity(EMBEDDINGS), r"embedding is a tensor \(2, 7\)"),
        (lambda: Similarity(torch.zeros(7)), "no direction"),
        (lambda: Similarity(torch.full((7,), torch.nan)), "no direction"),
        (lambda: Similarity(torch.ones(8))(EMBEDDINGS), r"got a tensor \(2, 7\); expected embeddings \(n, 8\)"),
    ],
)
def test_misuse_is_one_sentence(wrong, message):
    with pytest.raises(CluscamError, match=message):
        wrong()


def test_the_examples_of_the_docstrings():
    done = doctest.testmod(targets)
    assert done.failed == 0 and done.attempted >= 12
