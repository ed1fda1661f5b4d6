r"""The potential and the covariances of the hidden units at a start (section 4 and footnote 2 of section 3)."""

import math
from typing import NamedTuple

import mpmath
import numpy as np
import torch

from src import verdicts
from src.checks import DIMENSION, FORMULA, MATRIX, arguments, between, check_pair, each, vector, within
from src.model import landscape, weights

STUDENT = 0.5  # sqrt(d) times the standard deviation of a weight: |W|_2 is about 1
TEACHERS = {"zero": 0.0, "same": 0.5, "larger": 0.6}  # the same of the teacher's weights

_DEVIATION = within(0, 1000)  # sqrt(d) times the standard deviation of a weight
_deviations = arguments(d=FORMULA, student=_DEVIATION, teacher=_DEVIATION)
_limits = arguments(student=_DEVIATION, teacher=_DEVIATION)


class PotentialAtStart(NamedTuple):
    """g at Gaussian starts of standard deviation 0.5 / sqrt(d), with three teachers: zero, of the same law, and with
    entries of standard deviation 0.6 / sqrt(d)."""

    dimensions: tuple  # [D]
    draws: int  # of W (and W*) in each dimension
    mean: np.ndarray  # [3, D], of g over the draws, by teacher
    deviation: np.ndarray  # [3, D], its standard deviation over the draws
    expected: np.ndarray  # [3, D], the exact mean of the law
    ratio: np.ndarray  # [3, D, 2], the smallest and largest <R, M> / |M|_F^2 over the draws, printed scale

    @property
    def growth(self):
        """The power of d with which the exact mean of g grows where the teacher is the larger one."""
        return power(self.dimensions, np.abs(self.expected[2]))

    @property
    def largest_z(self):
        """How many standard errors lie between mean and exact mean, at most."""
        return float(abs((self.mean - self.expected) * math.sqrt(self.draws) / self.deviation).max())

    @property
    def verdict(self):
        """holds, if g is positive for the larger teacher and grows at least as fast as sqrt(d), and the draws agree
        with the exact means; fails otherwise."""
        large = self.expected[2].min() > 0 and self.mean[2].min() > 0 and self.growth > 0.49
        return verdicts.HOLDS if large and self.largest_z < 5 else verdicts.FAILS


@arguments(dimensions=each(DIMENSION), generator=torch.Generator, draws=DIMENSION[1:])
def potential_at_start(dimensions, generator, draws=16):
    """Section 4, g = Omega(sqrt(d)) at random starts: the `PotentialAtStart` over these dimensions."""
    if len(set(dimensions)) < 2:
        raise ValueError(f"dimensions must be at least two, for a power of d; not {dimensions}")
    mean, deviation, ratio = [], [], []
    for teacher in TEACHERS.values():
        for d in dimensions:
            W, W_star = torch.randn(2, draws, d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
            W, W_star = STUDENT * W, teacher * W_star
            g = landscape.potential(W, W_star)  # [draws]
            q = math.pi * torch.stack([landscape.one_point_ratio(*pair) for pair in zip(W, W_star)])
            mean.append(g.mean())
            deviation.append(g.std())
            ratio.append([q.min(), q.max()])
    shape = len(TEACHERS), len(dimensions)
    expected = [[exact_mean_potential(d, STUDENT, teacher) for d in dimensions] for teacher in TEACHERS.values()]
    mean, deviation, ratio = (
        np.array(x).reshape(*shape, *rest) for x, rest in ((mean, ()), (deviation, ()), (ratio, (2,)))
    )
    return PotentialAtStart(tuple(dimensions), draws, mean, deviation, np.array(expected), ratio)


@arguments(d=FORMULA, nu=_DEVIATION)
def mean_length(d, nu):
    r"""The exact mean of |e_j + w_j| for d independent entries of w_j with standard deviation nu / sqrt(d).

    The length over that deviation follows the noncentral chi law with d degrees of freedom, whose mean is
    sqrt(2) Gamma((d + 1) / 2) / Gamma(d / 2) 1F1(-1/2; d/2; -d / (2 nu^2)).
    """
    if nu < 1e-9:  # up to nu^2 / 2
        return 1.0
    ratio = mpmath.exp(mpmath.loggamma((d + 1) / 2) - mpmath.loggamma(d / 2))
    return float(nu / math.sqrt(d) * mpmath.sqrt(2) * ratio * mpmath.hyp1f1(-0.5, d / 2, -d / (2 * nu**2)))


@_deviations
def exact_mean_potential(d, student, teacher):
    """The exact mean of g for Gaussian weights of standard deviations student / sqrt(d) and teacher / sqrt(d)."""
    return d * (mean_length(d, teacher) - mean_length(d, student))


@_deviations
def mean_potential(d, student, teacher):
    """The mean of g to leading order, d (sqrt(1 + teacher^2) - sqrt(1 + student^2)), for weights with standard
    deviations student / sqrt(d) and teacher / sqrt(d)."""
    return d * (math.sqrt(1 + teacher**2) - math.sqrt(1 + student**2))


@_limits
def deviation_of_potential(student, teacher):
    """The standard deviation of g for the weights of `mean_potential`, in the limit of large d.

    The length of a column with entries of standard deviation nu / sqrt(d) has the variance
    (nu^2 + nu^4 / 2) / (1 + nu^2) / d: of its square, 4 nu^2 / d by the entry on the diagonal and 2 nu^4 / d by all.
    """
    return math.sqrt(sum((nu**2 + nu**4 / 2) / (1 + nu**2) for nu in (student, teacher)))


@_limits
def ratio_slope(student, teacher):
    r"""The slope with which <R, M> / |M|_F^2 grows with d, to leading order, for the weights of `mean_potential`.

    g <A_bar, M> is d (b - a) times -d student^2 / a, with a and b the lengths of a student's and a teacher's column,
    and |M|_F^2 is d (student^2 + teacher^2); all other parts of <R, M> are of order d. Negative for a larger teacher.
    """
    if not student + teacher:
        raise ValueError("student and teacher must not both be zero, where the ratio is not defined")
    a, b = math.sqrt(1 + student**2), math.sqrt(1 + teacher**2)
    return -(b - a) / a * student**2 / (student**2 + teacher**2)


@arguments(sizes=vector(between(0, FORMULA[-1])), values=vector(between(0, math.inf)))
def power(sizes, values):
    """The p for which values are closest to a constant times sizes^p, in the sense of least squares of logarithms."""
    if len(np.unique(sizes)) < 2 or len(sizes) != len(values):
        raise ValueError(f"sizes must be at least two, as many as values, not {sizes} for {len(values)} values")
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
        """fails, unless the sum over i != j is of order d; holds, corrected, if for independent units the printed
        sum, which has i = j in it, is of order d too and so says nothing; holds otherwise."""
        if not self.aligned_larger > 0.5 * self.aligned > 0:
            return verdicts.FAILS
        return verdicts.CORRECTED if self.diagonal > 0.01 else verdicts.HOLDS


@arguments(d=range(2, 2501), generator=torch.Generator)
def correlated_units(d, generator):
    """Footnote 2, sum_ij Cov[sigma_i, sigma_j] = Omega(d): the `CorrelatedUnits` in this dimension."""
    aligned = [covariance_sums(torch.full((n, n), 0.5 / n, dtype=torch.float64))[1] for n in (d, 4 * d)]
    diagonal, _ = covariance_sums(torch.zeros(d, d, dtype=torch.float64))
    W = 0.25 * torch.randn(d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    return CorrelatedUnits(d, diagonal, *aligned, covariance_sums(W)[1])


@arguments(A=MATRIX)
def covariances(A):
    """Cov[ReLU(a_i^T x), ReLU(a_j^T x)] for all pairs of columns of A, [d, d] to [d, d], from the arc-cosine kernel."""
    _check_columns(A)
    length, angle = A.norm(dim=0), angles(A)
    return length * length[:, None] * (angle.sin() + (math.pi - angle) * angle.cos() - 1) / (2 * math.pi)


@arguments(A=MATRIX)
def angles(A):
    """The angles between all pairs of columns of A, [d, d] to [d, d]; zero on the diagonal."""
    _check_columns(A)
    A_bar = A / A.norm(dim=0)
    return (A_bar.mT @ A_bar).clamp(-1, 1).acos().fill_diagonal_(0)


@arguments(W=MATRIX)
def covariance_sums(W):
    """(sum over i = j, sum over i != j) of Cov[ReLU(a_i^T x), ReLU(a_j^T x)] over d, from the arc-cosine kernel.

    W: [d, d]. The means are |a_j| / sqrt(2 pi), and the products are those of `src.model.population`.
    """
    if W.ndim != 2:
        raise ValueError(f"W must be one [d, d] matrix, not {list(W.shape)}")
    check_pair(W, W)  # no zero column
    covariance = covariances(torch.eye(len(W), dtype=W.dtype, device=W.device) + W)
    diagonal = covariance.diagonal().sum()
    return float(diagonal / len(W)), float((covariance.sum() - diagonal) / len(W))


class OrthonormalUnits(NamedTuple):
    """Footnote 1: two units of a teacher with orthonormal weights, and of one without. Largest over pairs i != j."""

    d: int
    covariance: float  # |Cov[sigma_i, sigma_j]| for orthonormal weights
    both_active: float  # |P(both active) - 1/4| for orthonormal weights
    otherwise: float  # |Cov[sigma_i, sigma_j]| for Gaussian weights of the same lengths on average

    @property
    def verdict(self):
        """holds, if units of an orthonormal teacher show no dependence, and those of another one do; else fails."""
        independent = abs(self.covariance) < 1e-12 and abs(self.both_active) < 1e-12
        return verdicts.HOLDS if independent and abs(self.otherwise) > 1e-3 else verdicts.FAILS


@arguments(d=DIMENSION[1:], generator=torch.Generator)
def orthonormal_units(d, generator):
    """The `OrthonormalUnits` of a random orthogonal matrix and of Gaussian columns in this dimension."""
    A = weights.with_norms(d, 1.0, math.sqrt(d), generator)
    other = torch.randn(d, d, generator=generator, dtype=torch.float64) / math.sqrt(d)
    off = ~torch.eye(d, dtype=torch.bool)
    return OrthonormalUnits(
        d,
        covariance=covariances(A)[off].abs().max().item(),
        both_active=((math.pi - angles(A)) / (2 * math.pi) - 1 / 4)[off].abs().max().item(),
        otherwise=covariances(other)[off].abs().max().item(),
    )


def _check_columns(A):
    if A.ndim != 2 or not A.any(0).all():
        raise ValueError(f"A must be one [d, d] matrix without a column of zeros; its shape is {list(A.shape)}")
