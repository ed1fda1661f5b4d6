r"""The potential and the covariances of the hidden units at a start (section 4 and footnote 2 of section 3)."""

import math
from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import check_generator, check_integer, check_matrix
from src.model import landscape

STUDENT = 0.5  # sqrt(d) times the standard deviation of a weight: |W|_2 is about 1
TEACHERS = {"zero": 0.0, "same": 0.5, "larger": 0.6}  # the same of the teacher's weights


class PotentialAtStart(NamedTuple):
    """g at Gaussian starts of standard deviation 0.5 / sqrt(d), with three teachers: zero, of the same law, and with
    entries of standard deviation 0.6 / sqrt(d)."""

    dimensions: tuple  # [D]
    draws: int  # of W (and W*) in each dimension
    zero: np.ndarray  # [2, D], mean and standard deviation of g over the draws
    same: np.ndarray  # [2, D]
    larger: np.ndarray  # [2, D]
    zero_growth: float  # the power of d with which |mean g| grows
    same_growth: float  # the power of d with which the standard deviation of g grows; its mean is 0
    larger_growth: float  # the power of d with which |mean g| grows

    @property
    def verdict(self):
        """fails, if g nowhere grows with d as fast as d^0.4; holds, if its power is 1/2 where start and teacher are of
        one law, where no sign is preferred; holds, corrected, for another power."""
        if max(self.zero_growth, self.same_growth, self.larger_growth) < 0.4:
            return verdicts.FAILS
        return verdicts.HOLDS if abs(self.same_growth - 0.5) < 0.1 else verdicts.CORRECTED


def potential_at_start(dimensions, generator, draws=16):
    """Section 4, g = Omega(sqrt(d)) at random starts: the `PotentialAtStart` over these dimensions."""
    check_generator(generator)
    check_integer("draws", draws, at_least=2)
    if len(dimensions) < 2:
        raise ValueError(f"dimensions must be at least two, for a power of d; not {dimensions}")
    statistics = []
    for teacher in TEACHERS.values():
        values = []
        for d in dimensions:
            W, W_star = torch.randn(2, draws, d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
            g = landscape.potential(STUDENT * W, teacher * W_star)  # [draws]
            values.append((float(g.mean()), float(g.std())))
        statistics.append(np.array(values).T)
    zero, same, larger = statistics
    growth = [power(dimensions, np.abs(values)) for values in (zero[0], same[1], larger[0])]
    return PotentialAtStart(tuple(dimensions), draws, zero, same, larger, *growth)


def mean_potential(d, student, teacher):
    """The mean of g to leading order, d (sqrt(1 + teacher^2) - sqrt(1 + student^2)), for weights with standard
    deviations student / sqrt(d) and teacher / sqrt(d)."""
    return d * (math.sqrt(1 + teacher**2) - math.sqrt(1 + student**2))


def deviation_of_potential(student, teacher):
    """The standard deviation of g for the weights of `mean_potential`, in the limit of large d.

    The length of a column with entries of standard deviation nu / sqrt(d) has the variance
    (nu^2 + nu^4 / 2) / (1 + nu^2) / d: of its square, 4 nu^2 / d by the entry on the diagonal and 2 nu^4 / d by all.
    """
    return math.sqrt(sum((nu**2 + nu**4 / 2) / (1 + nu**2) for nu in (student, teacher)))


def power(sizes, values):
    """The p for which values are closest to a constant times sizes^p, in the sense of least squares of logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


class CorrelatedUnits(NamedTuple):
    """Sums of Cov[sigma_i, sigma_j], sigma_j = ReLU(a_j^T x), over d."""

    d: int
    diagonal: float  # sum over i = j at W = 0, where the units are independent
    aligned: float  # sum over i != j at W = J / (2 d)
    aligned_larger: float  # the same in the dimension 4 d
    random: float  # sum over i != j at one Gaussian W with entries of standard deviation 1 / (4 sqrt(d))

    @property
    def verdict(self):
        """holds, if the sum over d is positive at W = 0 and, off the diagonal, does not vanish as d grows."""
        of_order_d = self.diagonal > 0 and self.aligned_larger > 0.5 * self.aligned > 0
        return verdicts.HOLDS if of_order_d else verdicts.FAILS


def correlated_units(d, generator):
    """Footnote 2, sum_ij Cov[sigma_i, sigma_j] = Omega(d): the `CorrelatedUnits` in this dimension."""
    check_integer("d", d, at_least=2)
    check_generator(generator)
    aligned = [covariance_sums(torch.full((n, n), 0.5 / n, dtype=torch.float64))[1] for n in (d, 4 * d)]
    diagonal, _ = covariance_sums(torch.zeros(d, d, dtype=torch.float64))
    W = 0.25 * torch.randn(d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    return CorrelatedUnits(d, diagonal, *aligned, covariance_sums(W)[1])


def covariance_sums(W):
    """(sum over i = j, sum over i != j) of Cov[ReLU(a_i^T x), ReLU(a_j^T x)] over d, from the arc-cosine kernel.

    W: [d, d]. The means are |a_j| / sqrt(2 pi), and the products are those of `src.model.population`.
    """
    check_matrix("W", W)
    A = torch.eye(len(W), dtype=W.dtype, device=W.device) + W
    length = A.norm(dim=0)
    cos = (A.mT @ A / length / length[:, None]).clamp(-1, 1)
    angle = cos.acos().fill_diagonal_(0)
    covariance = length * length[:, None] * (angle.sin() + (math.pi - angle) * angle.cos() - 1) / (2 * math.pi)
    diagonal = covariance.diagonal().sum()
    return float(diagonal / len(W)), float((covariance.sum() - diagonal) / len(W))
