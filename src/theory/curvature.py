r"""How curved the loss is at most: a bound on its Hessian, and with it on the gradient and on its changes.

Printed scale. Wherever no column of I + W is zero,

    pi |Hessian of L at W|_2 <= pi d + 4 sum_i |m_i| / min_j |a_j|,        M = W* - W.

The gradient's j-th column is 2 E (f - f*) x 1(<a_j, x> > 0). Differentiating f gives 2 E <V, X> X with X = x a^T, where
a in {0, 1}^d marks the active units: a quadratic form of at most 2 E |V^T x|^2 |a|^2 = d |V|_F^2, as x and -x activate
complementary units. Differentiating the indicator gives a matrix for each column, 2 E (f - f*) x x^T at <a_j, x> = 0,
where <a_j, x> has the density 1 / (sqrt(2 pi) |a_j|); and |f - f*| <= sum_i |<m_i, x>|, while E |p| q^2 is at most
2 sqrt(2 / pi) for standard normal p and q.

The gradient is zero at W*, so R is at most this times |M|_F wherever it holds on the way from W to W*.
"""

import math

from src.checks import FORMULA, arguments, between, within
from src.theory.intervals import Interval


@arguments(d=FORMULA, gamma=between(0, 1), columns=within(0, math.inf))
def bound(d, gamma, columns):
    """A float that pi |Hessian|_2 is not above, for |W|_2 <= gamma and sum_i |m_i| <= columns, in d dimensions."""
    return (Interval.pi() * d + 4 * Interval(columns) / (1 - Interval(gamma))).at_most()
