"""The sanity check by randomised parameters: a map that stays when the network forgets tells nothing of the network.

Adebayo et al. 2018 (https://arxiv.org/abs/1810.03292). Two corrections of Hedström et al. 2024
(https://arxiv.org/abs/2401.06465) are built in: the network is compared at its ends only, as it is and with all of its
parameters drawn anew ("efficient"), and, since likeness of maps depends on noise, the maps' complexity is compared
beside it: a map of a network that knows nothing should be less ordered.
"""

import copy

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor, nn

EXTENTS = ("classifier", "all")
BINS = 100  # of the values of a map, for its entropy


def randomised(network: nn.Module, extent: str, seed: int) -> nn.Module:
    """A copy with parameters drawn anew as for a fresh network: of the last layer ("classifier"), or of every layer.

    Layers are drawn by their own `reset_parameters`, batch normalisation with its running means and variances included;
    single parameters (class tokens, positions) as normal numbers of their own standard deviation. The network itself
    and torch's random state stay as they are.
    """
    fresh = copy.deepcopy(network)
    layers = [module for module in fresh.modules() if hasattr(module, "reset_parameters")]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.default_generator.manual_seed(seed)
        for layer in layers if extent == "all" else layers[-1:]:
            layer.reset_parameters()
        if extent == "all":
            owned = {id(p) for layer in layers for p in layer.parameters(recurse=False)}
            for parameter in fresh.parameters():
                if id(parameter) not in owned:
                    parameter.copy_(torch.randn(parameter.shape) * parameter.std().cpu())
    return fresh


def likeness(one: Tensor, other: Tensor) -> dict[str, float]:
    """How alike two maps (H, W) in [0, 1] are: Spearman's correlation of their pixels, and their entropies.

    `rho` in [-1, 1], NaN if one is constant: a faithful method's is near 0 (maps of two networks share the image, so
    some likeness remains). `entropy`, `entropy_random` in nats. `entropy_rise`: (random - trained) / trained, NaN for a
    map without any; above 0 the map of the network that knows nothing is the less ordered one.
    """
    a, b = (values.detach().double().cpu().numpy().ravel() for values in (one, other))
    before, after = entropy(a), entropy(b)
    rho = float(np.corrcoef(rankdata(a), rankdata(b))[0, 1]) if np.ptp(a) and np.ptp(b) else float("nan")
    rise = (after - before) / before if before else float("nan")
    return {"rho": rho, "entropy": before, "entropy_random": after, "entropy_rise": rise}


def entropy(values: np.ndarray) -> float:
    """Shannon entropy, in nats, of the histogram of values in [0, 1]."""
    shares = np.histogram(values, BINS, (0, 1))[0] / values.size
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum()) + 0.0
