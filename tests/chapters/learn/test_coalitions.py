"""All subsets of masks against a literal loop, and Shapley values against all orders and the axioms."""

from itertools import permutations

import numpy as np
import pytest
import torch
from tiny import images, network

from analysis.chapters.learn.coalitions import all_subsets, shapley, union
from cluscam_lite import ClusCAM
from cluscam_lite.errors import CluscamError
from cluscam_lite.metrics import changes

NET = network()


def literal_shapley(values, n):
    """The definition: what each player adds on joining, averaged over every order."""
    total = np.zeros(n)
    orders = list(permutations(range(n)))
    for order in orders:
        present = 0
        for j in order:
            total[j] += values[present | 1 << j] - values[present]
            present |= 1 << j
    return total / len(orders)


def test_union_shows_what_any_chosen_mask_shows():
    masks = torch.tensor([[[0.2, 0.9]], [[0.5, 0.1]], [[1.0, 0.0]]])
    assert union(masks, 0).tolist() == [[0, 0]]
    torch.testing.assert_close(union(masks, 0b011), torch.tensor([[0.5, 0.9]]))
    torch.testing.assert_close(union(masks, 0b110), torch.tensor([[1.0, 0.1]]))


def test_every_subset_against_a_loop():
    x, masks = images(1), torch.rand(3, 33, 40, generator=torch.Generator().manual_seed(1))
    found = all_subsets(NET, x, masks, target=2, batch_size=3)
    with torch.no_grad():
        p = float(NET(x).double().softmax(1)[0, 2])
        for subset in range(8):
            mask = torch.zeros(33, 40)
            for j in range(3):
                if subset & 2**j:
                    mask = torch.maximum(mask, masks[j])
            logits = NET(x * mask).double()
            o = float(logits.softmax(1)[0, 2])
            terms = changes([p], [o])
            row = {name: values[subset] for name, values in found.items()}
            assert row["logit"] == pytest.approx(float(logits[0, 2]), abs=1e-5)
            assert row["coverage"] == pytest.approx(float(mask.mean()), abs=1e-6)
            assert row["probability"] == pytest.approx(100 * o, abs=1e-4)
            for name in ("drop", "increase", "gain"):
                assert row[name] == pytest.approx(terms[name][0], abs=1e-3)
    assert all(len(values) == 8 for values in found.values())


def test_single_masks_have_the_scores_of_equation_5():
    x = images(1)
    e = ClusCAM(NET, n_clusters=4)(x)
    found = all_subsets(NET, x, e.masks[0], int(e.target))
    base = float(e.output[0, e.target[0]])
    singles = [found["logit"][1 << j] - base for j in range(4)]
    np.testing.assert_allclose(singles, e.scores[0].numpy(), atol=1e-5)


@pytest.mark.parametrize("n", [0, 13])
def test_a_number_of_masks_out_of_range_is_one_sentence(n):
    with pytest.raises(CluscamError, match=f"there are {n} masks; expected 1 to 12"):
        all_subsets(NET, images(1), torch.zeros(n, 33, 40), 0)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_shapley_values_are_the_mean_over_all_orders_and_efficient(n):
    values = np.random.default_rng(n).normal(size=2**n)
    found = shapley(values)
    np.testing.assert_allclose(found, literal_shapley(values, n), atol=1e-12)
    assert found.sum() == pytest.approx(values[-1] - values[0])  # efficiency


def test_the_other_axioms():
    n = 4
    rng = np.random.default_rng(0)
    size = np.array([s.bit_count() for s in range(2**n)])
    symmetric = (size**2).astype(float)  # depends on the size alone: all players alike
    np.testing.assert_allclose(shapley(symmetric), np.full(n, 4.0))
    a = rng.normal(size=2 ** (n - 1))
    dummy = np.concatenate([a, a + 0.7])  # the last player adds 0.7 to whatever is there
    assert shapley(dummy)[-1] == pytest.approx(0.7)
    b, c = rng.normal(size=(2, 2**n))
    np.testing.assert_allclose(shapley(2 * b + c), 2 * shapley(b) + shapley(c))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0], np.zeros((2, 2))])
def test_a_game_of_the_wrong_length_is_one_sentence(values):
    with pytest.raises(CluscamError, match="expected one for each of the 2\\^n subsets"):
        shapley(values)
