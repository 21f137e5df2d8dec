"""What the `method` chapter computes beside the walk, by hand and against brute force."""

import torch
from tiny import images, network

from analysis.chapters.learn.method import (
    brute_force_check,
    explain_everywhere,
    spaces_table,
    summary_table,
)
from analysis.chapters.learn.method_figures import telling_groups
from analysis.oracles.brute_force import brute_force_cluscam
from analysis.page.figures import mosaic
from cluscam_lite import ClusCAM, load_dataset, load_model


def test_brute_force_gives_the_same_groups_and_the_same_map():
    net, x = network(), images(1)
    cam = ClusCAM(net, n_clusters=6, drop_ratio=0.37)
    assert brute_force_check(cam, x)["labels that differ"] == 0
    e, slow = cam(x), brute_force_cluscam(cam.model, x, 6, 0.37)
    assert torch.equal(e.labels[0], slow["labels"])
    torch.testing.assert_close(e.scores[0], slow["scores"], rtol=0, atol=1e-5)
    torch.testing.assert_close(e.saliency[0], slow["saliency"], rtol=0, atol=1e-4)


def test_telling_groups_prefers_larger_ones():
    labels = torch.tensor([0] * 5 + [1] * 4 + [2])
    assert telling_groups(labels, torch.tensor([0.1, 0.2, 0.7]), n=2) == [1, 0]
    assert telling_groups(labels, torch.tensor([0.1, 0.2, 0.7])) == [1, 0, 2]


def test_mosaic_lays_maps_row_by_row():
    drawn = mosaic(torch.stack([torch.zeros(2, 2), torch.ones(2, 2), torch.zeros(2, 2)]), columns=2)
    assert drawn.shape == (5, 5, 3) and (drawn[2] == 255).all() and (drawn[3:, 3:] == 255).all()
    assert (drawn[:2, :2] == drawn[3:, :2]).all() and not (drawn[:2, :2] == drawn[:2, 3:]).all()


def test_tables_have_a_row_for_each_network_and_layer():
    networks = {name: load_model(name).module for name in ("scene_cnn", "scene_vit")}
    pictures = [load_dataset("scenes", n=1)[0].image]
    explanations = explain_everywhere(networks, pictures)
    assert list(explanations) == [("scene_cnn", "last"), ("scene_vit", "paper"), ("scene_vit", "last")]
    assert summary_table(explanations)["forward passes"].tolist() == [31, 41, 41]
    agreement = spaces_table(networks, pictures)
    assert agreement["correlation of the maps"].between(-1, 1).all() and len(agreement) == 2
