"""Algorithm 3: the dropout ratio r as the share of non-salient groups, by a mixture of two Gaussians (Eq. 9)."""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import CluscamError, ClusCAMWarning, check_known

# EM stops when the mean log-likelihood gains less. It is far from a fixed point with scikit-learn's default, 1e-3.
TOLERANCE = 1e-7
MAX_ITERATIONS = 5000
STARTS = ("kmeans", "k-means++", "random", "random_from_data")


@dataclass(frozen=True)
class Mixture:
    """A fitted mixture of two Gaussians. Component 0 is non-salient (the lower mean), component 1 salient.

    `weights`, `means` (logits) and `variances` are (2,). `drop_ratio` is Eq. 9: the mean over the scores of the
    posterior of component 0. `log_likelihood` is the mean per score (nats).
    """

    weights: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    drop_ratio: float
    log_likelihood: float
    iterations: int

    def densities(self, scores: ArrayLike) -> np.ndarray:
        """pi_c N(s | mu_c, sigma_c^2) of each component, scores (n,) -> (n, 2): their sum is p(s)."""
        s = np.asarray(scores, float)[:, None]
        exponent = -((s - self.means) ** 2) / (2 * self.variances)
        found: np.ndarray = self.weights * np.exp(exponent) / np.sqrt(2 * np.pi * self.variances)
        return found


def drop_ratio(scores: ArrayLike, seed: int = 0) -> float:
    """The dropout ratio r of Algorithm 3.

    Args:
        scores: logit differences of all groups of all images, any shape.
        seed: of the start of EM.

    Returns:
        r, a fraction between 0 and 1.

    Raises:
        CluscamError: for scores to which no mixture can be fitted (see `fit_mixture`).
    """
    return fit_mixture(scores, seed).drop_ratio


def fit_mixture(
    scores: ArrayLike,
    seed: int = 0,
    start: str = "kmeans",
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> Mixture:
    """scikit-learn's two-component Gaussian mixture of the flattened `scores`, and r.

    Args:
        scores: logit differences of all groups of all images, any shape.
        seed: scikit-learn's `random_state`.
        start: scikit-learn's `init_params`, one of `STARTS`.
        tolerance: EM stops when the mean log-likelihood per score gains less (nats).
        max_iterations: of EM; a ClusCAMWarning says if it has not converged by then.

    Returns:
        The mixture, its lower component first.

    Raises:
        CluscamError: for fewer than two scores, scores that are NaN or infinite, or scores that are all equal.
        UnknownName: for another start.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    check_known("start", start, STARTS)
    values = _checked(scores)
    model = GaussianMixture(2, random_state=seed, init_params=start, tol=tolerance, max_iter=max_iterations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # below is a clearer one
        model.fit(values[:, None])
    if not model.converged_:
        warnings.warn(
            f"the mixture has not converged after {max_iterations} iterations; r is that of its last one",
            ClusCAMWarning,
            stacklevel=2,
        )
    order = np.argsort(model.means_[:, 0], kind="stable")  # the salient component is the one with the larger mean
    return Mixture(
        weights=model.weights_[order],
        means=model.means_[order, 0],
        variances=model.covariances_[order, 0, 0],
        drop_ratio=float(model.predict_proba(values[:, None])[:, order[0]].mean()),
        log_likelihood=float(model.score(values[:, None])),
        iterations=int(model.n_iter_),
    )


def _checked(scores: ArrayLike) -> np.ndarray:
    """The scores flattened, (n,) float64."""
    values = np.asarray(scores, np.float64).ravel()
    what = "no mixture of two Gaussians can be fitted to"
    if len(values) < 2:
        raise CluscamError(f"{what} {len(values)} score{'s' * (len(values) != 1)}; expected those of many images")
    if bad := int((~np.isfinite(values)).sum()):
        raise CluscamError(
            f"{what} scores of which {bad} of {len(values)} are NaN or infinite; leave out the groups that are not "
            "valid, and find out which image gives the others"
        )
    if np.ptp(values) == 0:
        raise CluscamError(
            f"{what} scores that are all equal ({values[0]:g}); expected scores that differ: check that the masks "
            "change the network's output"
        )
    return values
