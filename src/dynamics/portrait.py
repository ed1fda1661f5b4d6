r"""The flow over the span of I, J and K, drawn in a plane: the trace of W and the Frobenius norm of its skew part.

The third coordinate, tau (what W does to u), is zero at the start of section 5.3 and small along its flow. The teacher
is W* = 0 throughout, and everything is at the true scale.
"""

import math
from typing import NamedTuple

import numpy as np

from src.checks import FORMULA, arguments, between, check_value, each, vector
from src.dynamics import three_variables
from src.dynamics.history import TIMES

_FINITE = between(-math.inf, math.inf)
_DIMENSION = FORMULA[2:]  # at least 3: smaller ones have no K


def _check_start(name, start):
    check_value(name, start, vector(_FINITE))
    if len(start) != 2:
        raise ValueError(f"{name} must be two numbers, a trace and a norm of the skew part, not {len(start)}")


class Portrait(NamedTuple):
    """The vector field over a grid of traces (X of them) and norms of the skew part (Y of them)."""

    velocity: np.ndarray  # [Y, X, 2]: how fast the trace and the norm of the skew part change, per unit of t
    inner: np.ndarray  # [Y, X]: <-grad L, W* - W>; negative where the gradient points the wrong way
    potential: np.ndarray  # [Y, X]: g


@arguments(d=_DIMENSION, trace=_FINITE, skew=_FINITE)
def at(d, trace, skew):
    """The coordinates with W u = 0, this trace and this Frobenius norm of the skew part."""
    return trace / (d - 1), skew / math.sqrt(d - 1), 0.0


@arguments(W=three_variables.COORDINATES, d=_DIMENSION)
def plane(W, d):
    """(trace, Frobenius norm of the skew part) of coordinates [3] or, one per column, [3, T]."""
    return three_variables.trace(W, d), np.abs(W[1]) * math.sqrt(d - 1)


@arguments(d=_DIMENSION, traces=vector(_FINITE), skews=vector(_FINITE))
def portrait(d, traces, skews):
    """The `Portrait` of the flow in dimension d over the grid of `traces` and `skews`, exact at every point."""
    grid = [[at(d, x, y) for x in traces] for y in skews]
    slopes = np.array([[np.negative(three_variables.gradient(W, d)) for W in row] for row in grid])  # [Y, X, 3]
    W = np.array(grid)
    return Portrait(
        velocity=np.stack([three_variables.trace(slopes.T, d).T, slopes[..., 1] * math.sqrt(d - 1)], -1),
        inner=-three_variables.inner(slopes.T, W.T, d).T,
        potential=np.array([[three_variables.potential(X, d) for X in row] for row in grid]),
    )


@arguments(d=_DIMENSION, starts=each(_check_start), t=TIMES, rtol=between(0, 1))
def paths(d, starts, t, rtol=1e-7):
    """The flow from each (trace, skew) of `starts` at the increasing times t, in the plane: [starts, 2, times]."""
    return np.array([plane(three_variables.trajectory(at(d, *start), d, t, rtol=rtol), d) for start in starts])
