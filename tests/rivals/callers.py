"""Models as a caller has them: with habits to keep, and with ways to fail. Used by the tests of the rivals."""

import copy
from contextlib import contextmanager

import torch
from torch import nn


def pyramid(seed=0, classes=5, inplace=True):
    """Three resolutions: 11 x 13, 6 x 7 and 3 x 4 maps for 33 x 40 images."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(
            nn.Conv2d(3, 4, 3, stride=3), nn.BatchNorm2d(4), nn.ReLU(inplace),
            nn.Conv2d(4, 6, 3, stride=2, padding=1), nn.ReLU(inplace),
            nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.ReLU(inplace),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes),
        ).eval()  # fmt: skip


class Counting(nn.Module):
    """Counts the images that pass."""

    def __init__(self, module):
        super().__init__()
        self.module, self.images = module, 0

    def forward(self, x):
        self.images += len(x)
        return self.module(x)


class Failing(nn.Module):
    """Gives what its module gives until call `after`; from then on NaN, or an exception."""

    def __init__(self, module, after, how="nan"):
        super().__init__()
        self.module, self.after, self.how, self.calls = module, after, how, 0

    def forward(self, x):
        self.calls += 1
        if self.calls <= self.after:
            return self.module(x)
        if self.how == "raise":
            raise RuntimeError("out of order")
        return self.module(x) * float("nan")


@contextmanager
def untouched(model):
    """Asserts that a model in a mixed state, some of it trained, keeps it: also when the block raises."""
    for i, module in enumerate(model.modules()):
        module.training = i % 2 == 0
    for i, parameter in enumerate(model.parameters()):
        parameter.requires_grad_(i % 2 == 0)
        parameter.grad = torch.full_like(parameter, i) if i % 3 == 0 else None
    before = _state(model)
    try:
        yield
    finally:
        after = _state(model)
        assert after[:2] == before[:2]
        for (_, values), (_, expected) in zip(after[2], before[2], strict=True):
            assert (values is None and expected is None) or torch.equal(values, expected)


def _state(model):
    modules = [
        (name, id(module), module.training, len(module._forward_hooks), len(module._backward_hooks),
         len(module._forward_pre_hooks), "forward" in module.__dict__)
        for name, module in model.named_modules()
    ]  # fmt: skip
    parameters = [(name, id(p), p.requires_grad) for name, p in model.named_parameters()]
    tensors = [*model.state_dict().items(), *((name, p.grad) for name, p in model.named_parameters())]
    return modules, parameters, copy.deepcopy([(name, None if t is None else t.detach()) for name, t in tensors])
