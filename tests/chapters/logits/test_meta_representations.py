"""Section 4.1 against loops, and the controls against what they promise."""

import oracle
import pytest
import torch
from tiny import images, network

from analysis.chapters.logits import study
from analysis.chapters.logits.meta_representations import (
    partition,
    random_partitions,
    sampled_members,
)
from analysis.chapters.logits.study import WHOLE, Block, image_rows
from analysis.studies.explaining import seed_of
from analysis.studies.masks import coverage, mean_matched, plain, renormalised, rolled, scores_of
from cluscam_lite import read
from cluscam_lite.algorithm.features import HookedModel
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics.masking import matching_power


@pytest.fixture
def scored():
    return read(HookedModel(network(), "1"), images(1))


def test_scores_and_partition_equal_the_loops(scored):
    net, x = network(), images(1)[0]
    own = partition(scored, 6, seed=2)
    maps, output = scored.model.forward(x[None])
    expected = oracle.cluscam(lambda z: net(z).detach(), maps[0], x, output[0].argmax(), 6, 0.3, seed=2)
    assert torch.equal(own.labels, expected["labels"])
    scores = scores_of(scored, plain(own.centroids, scored.size), 6)
    torch.testing.assert_close(scores.double(), expected["scores"], rtol=1e-4, atol=1e-5)
    assert float(own.shares.sum()) == pytest.approx(1)


def test_the_members_mean_does_not_depend_on_the_partition(scored):
    """It cancels in Delta: this is why a random partition costs K passes and not d."""
    single = scores_of(scored, plain(partition(scored, 2, 0).normalized, scored.size), 24)
    for k in (2, 7):
        own = partition(scored, k, 0)
        by_group = sum(len(g) / 24 * single[g].mean() for g in (torch.nonzero(own.labels == j)[:, 0] for j in range(k)))
        assert float(by_group) == pytest.approx(float(single.mean()), abs=1e-5)


def test_random_partitions_keep_sizes_and_the_overall_mean(scored):
    own = partition(scored, 5, 0)
    overall = own.normalized.mean(0)
    seen = list(random_partitions(own, 4, 0, "a"))
    for centroids in seen:
        torch.testing.assert_close((own.shares[:, None, None] * centroids).sum(0), overall)
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[2], list(random_partitions(own, 3, 0, "a"))[2])  # a smaller study is a prefix
    assert not torch.equal(seen[0], next(random_partitions(own, 1, 0, "b")))


def test_rolled_masks_keep_their_histogram_and_move(scored):
    own = partition(scored, 5, 0)
    groups = torch.arange(5)
    before, after = plain(own.centroids, scored.size)(groups), rolled(own.centroids, scored.size, 3)(groups)
    assert torch.equal(before.flatten(1).sort().values, after.flatten(1).sort().values)
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    part = rolled(own.centroids, scored.size, 3)(groups[2:4])  # a chunk is what it is in the whole
    assert torch.equal(part, after[2:4])


def test_renormalised_masks_reach_one(scored):
    own = partition(scored, 5, 0)
    masks = renormalised(own.centroids, scored.size)(torch.arange(5))
    torch.testing.assert_close(masks.flatten(1).amax(1), torch.ones(5))
    torch.testing.assert_close(masks.flatten(1).amin(1), torch.zeros(5))


def test_matched_members_have_the_area_and_the_ranks(scored):
    own = partition(scored, 4, 0)
    area = coverage(plain(own.centroids, (224, 224)), 4)[own.labels]
    masks = mean_matched(own.normalized, area, (224, 224))
    torch.testing.assert_close(coverage(masks, 24), area, rtol=0.02, atol=0.002)
    one, as_it_was = masks(torch.tensor([3])).flatten(), plain(own.normalized, (224, 224))(torch.tensor([3])).flatten()
    assert torch.equal(one.argsort(stable=True)[-5:], as_it_was.argsort(stable=True)[-5:])


def test_matching_power_by_hand():
    # mean of (0, 1/4, 1) to the power 1/2 is 1/2
    assert float(matching_power(torch.tensor([[0, 0.25, 1.0]]), torch.tensor([0.5]))) == pytest.approx(0.5, abs=1e-4)
    assert torch.isfinite(matching_power(torch.zeros(1, 3), torch.tensor([0.5]))).all()


def test_members_are_sampled_without_replacement():
    labels = torch.tensor([0, 0, 0, 0, 0, 1, 1, 2, -1])
    assert sampled_members(labels, 3, None, 0).tolist() == list(range(8))
    chosen = sampled_members(labels, 3, 2, 0)
    assert labels[chosen].tolist() == [0, 0, 1, 1, 2] and len(set(chosen.tolist())) == 5
    often = torch.zeros(9)
    for seed in range(400):  # unbiased: every member of a group is as likely
        often[sampled_members(labels, 3, 2, seed)] += 1
    assert (often[:5] - 160).abs().max() < 40 and often[7] == 400 and often[8] == 0


def test_seeds_are_the_same_everywhere():
    assert seed_of("rolled", 0, "a") == 4112055601 and 0 <= seed_of(1) < 2**32


def test_singletons_only_is_an_error(scored):
    with pytest.raises(CluscamError, match="single map"):
        partition(scored, 24, 0)


def test_rows_of_one_image(scored, monkeypatch):
    block = Block("scene_cnn", "paper", 1, n_random=3)
    own = partition(scored, 7, 1)

    monkeypatch.setattr(study, "partition", lambda reading, _, seed: partition(reading, 7, seed))
    rows = image_rows(scored, own, "image", block, 1)
    whole = {row["masks"]: row for row in rows if row["group"] == WHOLE}
    assert {"kmeans", "members", "members, area matched", "mean of all", "renormalised", "rolled", "donor"} <= set(
        whole
    )
    assert [v for v in whole if v.startswith("random")] == ["random 000", "random 001", "random 002"]
    for variant in ("kmeans", "members", "random 000"):
        groups = [row for row in rows if row["masks"] == variant and row["group"] != WHOLE]
        weighted = sum(row["n_maps"] / 24 * row["score"] for row in groups)
        assert len(groups) == 7 and weighted == pytest.approx(whole[variant]["score"], abs=1e-5)
    # one plain pass; kmeans, rolled, renormalised, donor and three random ones; the members twice; the mean of all
    assert {row["forward_passes"] for row in rows} == {1 + 7 * 7 + 2 * 24 + 1}
    # the masks of every partition have the same area: the mean of all maps
    for variant in ("kmeans", "random 001", "mean of all", "rolled"):
        assert whole[variant]["coverage"] == pytest.approx(whole["kmeans"]["coverage"], abs=1e-4)
