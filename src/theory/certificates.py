"""All certificates of chapter 17, made and verified anew: python -m src.theory.certificates

Exits with status 1 if one of them fails. Every bound is a float on the safe side of an interval.
"""

import math
import sys
import time
from typing import NamedTuple

from src import verdicts
from src.checks import arguments, between, each, within
from src.runs import recorded
from src.theory import (
    both_phases,
    bounds,
    family_certificate,
    joint_margin,
    local_convergence,
    minibatch_convergence,
    norm_stays,
    span,
    wrong_way,
)
from src.theory.intervals import Interval

_GAMMA, _DELTA = between(0, 0.17), between(0, 0.5)


class Family(NamedTuple):
    """Theorem 3.3 in the span of I, J and K: what is certified, and from where on it is false there."""

    gamma: float
    delta: float
    d_least: int
    verifications: tuple  # of `family_certificate.Verification`, one for each arithmetic
    false_from: float  # gamma at which the formula for d -> infinity falls below delta

    @property
    def verdict(self):
        """holds, if every arithmetic verifies every box, and no known pair contradicts it; open otherwise."""
        every = self.verifications and all(one.verdict == verdicts.HOLDS for one in self.verifications)
        return verdicts.HOLDS if every and self.gamma < self.false_from else verdicts.OPEN


class AllPairs(NamedTuple):
    """Theorem 3.3 for all pairs in every dimension, by the joint argument and by that of chapter 7."""

    delta: float
    gamma: float  # up to which the joint argument certifies delta
    ratio: float  # what it certifies there
    before: float  # up to which chapter 7's bound does
    at_hundredth: float  # the ratio that the joint argument certifies at gamma = 1/100
    before_at_hundredth: float

    @property
    def verdict(self):
        """holds, if delta is certified at gamma, and further than before; open otherwise."""
        further = self.gamma > self.before and self.at_hundredth > self.before_at_hundredth
        return verdicts.HOLDS if self.ratio > self.delta and further else verdicts.OPEN


class WholeBall(NamedTuple):
    """One-point convexity of the whole ball |W|_2, |W*|_2 <= gamma, whatever g is."""

    gamma: float
    delta: float
    dimension: int  # up to which it is certified
    ratio: float  # what is certified there
    before: int  # up to which chapter 5's bound has it
    false_from: float  # the dimension from which on a pair of the span points the wrong way

    @property
    def verdict(self):
        """holds, if delta is certified in more dimensions than before, and in fewer than it is false in; else open."""
        between_both = self.before < self.dimension < self.false_from
        return verdicts.HOLDS if self.ratio > self.delta and between_both else verdicts.OPEN


@arguments(gamma=_GAMMA, g_max=within(0, 10))
def first_margin(gamma, g_max=bounds.G_LIMIT):
    """The bound of chapter 7, `bounds.one_point_ratio`, from below: a float that interval arithmetic certifies."""
    at = joint_margin.sizes(gamma)
    psi, xi = at.psi, at.psi.square() - 1
    zeta, half = 1 / (1 - xi.square()).sqrt(), Interval(0, math.nextafter(g_max, math.inf)).upper() / 4
    whole = at.gamma.pi() / 2 - zeta * psi.square() - (psi - 1) - xi / 2 - xi.asin()
    return (whole - zeta * xi * psi.square() - zeta * xi.square() / 2 - (1 + psi) * half).at_least()


@arguments(certificate=family_certificate.Certificate, arithmetics=each(tuple(family_certificate.KINDS)))
def family(certificate, arithmetics=tuple(family_certificate.KINDS)):
    """The Family of a certificate, verified in these arithmetics."""
    found = tuple(family_certificate.verify(certificate, name) for name in arithmetics)
    steps = (gamma / 1000 for gamma in range(1, 1000))
    false_from = next((gamma for gamma in steps if span.limit(gamma) < certificate.delta), math.inf)
    return Family(certificate.gamma, certificate.delta, certificate.d_least, found, false_from)


@arguments(delta=_DELTA)
def all_pairs(delta=bounds.DELTA):
    """The AllPairs at delta. Raises ValueError for a delta that is not certified at any gamma."""
    gamma, small = joint_margin.largest(delta), bounds.PHASE_TWO_SPECTRAL
    before = max((k / 10_000 for k in range(1, 1600) if first_margin(k / 10_000) > delta), default=0.0)
    ratio, at_small = joint_margin.certified(gamma), joint_margin.certified(small)
    return AllPairs(delta, gamma, ratio, before, at_small, first_margin(small))


@arguments(gamma=between(0, 0.05), delta=_DELTA)
def whole_ball(gamma=bounds.PHASE_TWO_SPECTRAL, delta=bounds.DELTA):
    """The WholeBall of this gamma: |M|_F is at most 2 gamma sqrt(d). The dimension is the largest, by bisection."""

    def ratio(d):
        return joint_margin.certified_without_g(gamma, 2 * gamma * math.nextafter(math.sqrt(d), math.inf))

    before, false_from = wrong_way.safe_dimension(gamma, delta), wrong_way.small_pair(gamma).onset
    low, high = 0, round(false_from)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ratio(middle) > delta else (low, middle)
    return WholeBall(gamma, delta, low, ratio(max(low, 1)), before, false_from)


def main():
    """Print every certificate and what became of it; the command exits with 1 if one is open."""
    stored = family_certificate.Certificate.from_arrays(recorded.load("certificate_family").arrays)
    makers = {
        "the family of I, J, K, recorded": lambda: family(stored),
        "all pairs": all_pairs,
        "the whole ball": whole_ball,
        "descent near the teacher": lambda: local_convergence.constants(100, 0.01, 0.02, noise=1e-4),
        "SGD near the teacher": lambda: minibatch_convergence.constants(100, 0.01, 0.02, batch=300),
        "the weights stay small": norm_stays.certify,
        "both phases": lambda: norm_stays.after(100),
        "both phases by SGD": lambda: both_phases.guarantee(100, 300, 0.05),
    }
    failed = 0
    for name, make in makers.items():
        start = time.perf_counter()
        made = make()
        failed += made.verdict != verdicts.HOLDS
        print(f"{made.verdict:6} {name} ({time.perf_counter() - start:.1f} s): {made}")
    if failed:
        sys.exit(1)


if __name__ == "__main__":  # under its own name, by which its classes are known
    from src.theory import certificates

    certificates.main()
