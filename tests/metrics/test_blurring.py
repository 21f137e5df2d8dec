"""Blurring by two matrices is torchvision's by one window."""

import pytest
import torch
from tiny import images
from torchvision.transforms.v2.functional import gaussian_blur as by_window

from cluscam_lite.algorithm.blurring import blur_weights, gaussian_blur


@pytest.mark.parametrize(("kernel", "sigma"), [(1, 1.0), (9, 2.0), (51, 50.0), (65, 3.5)])
def test_it_is_torchvisions(kernel, sigma):
    x = images(2, 33, 40).double()
    torch.testing.assert_close(gaussian_blur(x, kernel, sigma), by_window(x, [kernel] * 2, [sigma] * 2))


def test_a_picture_of_one_colour_stays_and_its_type_too():
    assert torch.allclose(blur_weights(12, 23, 4.0).sum(1), torch.ones(12, dtype=torch.float64))
    flat = torch.full((1, 3, 12, 20), 0.3)
    torch.testing.assert_close(gaussian_blur(flat, 23, 4), flat)
    assert gaussian_blur(flat.bfloat16(), 5, 1).dtype == torch.bfloat16
    last = images(1).contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(gaussian_blur(last, 9, 2), gaussian_blur(images(1), 9, 2))
