r"""SGD on Gaussian minibatches near the teacher: it converges with a stated probability, every constant being a number.

The noise N of a step (printed scale: steps are W + eta (R + N), with batches of size B) has no bound, but its mean
square falls with the distance, E |N|_F^2 <= (V / B) |M|_F^2 with V = 2 pi^2 d^2 (d + 2). So nothing need be cut off:
with c and Lambda of `local_convergence`, valid for |M|_F <= D, and eta <= c / (Lambda^2 + V / B),

    E |M_{t+1}|_F^2 <= (1 - 2 eta c + eta^2 (Lambda^2 + V / B)) |M_t|_F^2 <= (1 - eta c) |M_t|_F^2

until the run leaves the ball |M|_F <= D. Stopped there |M_t|_F^2 is a supermartingale. From a start with |M_0|_F <= D_0
a run ever leaves with probability at most (D_0 / D)^2, and after T steps it has not left and is further than epsilon
from W* with probability at most (1 - eta c)^T (D_0 / epsilon)^2.
"""

import math
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from src import verdicts
from src.checks import COUNT, FORMULA, arguments, between, check_pair, check_tensor
from src.dynamics import sgd
from src.theory import local_convergence
from src.theory.intervals import Interval

MANY = 4  # standard errors beyond which a measured mean breaks a promise
_SHARE = between(0, 1)


class Constants(NamedTuple):
    """The theorem at one d: floats, each on the safe side of what it stands for."""

    d: int
    batch: int
    gamma_0: float  # bounds |W*|_2
    distance: float  # D, beyond which the theorem says nothing
    margin: float  # c
    curvature: float  # Lambda
    moment: float  # V
    step: float  # eta, the longest

    @property
    def rate(self):
        """eta c: the share of the mean square of the distance that a step takes at least."""
        return self.step * self.margin

    @property
    def verdict(self):
        """holds, if the margin is positive; open otherwise."""
        return verdicts.HOLDS if self.margin > 0 else verdicts.OPEN


class Kept(NamedTuple):
    """The theorem's Constants in a small dimension and in a large one, and what runs and samples say in the small."""

    small: Constants
    large: Constants
    excess: float  # of the mean square over the promised one, in standard errors, the largest over the steps
    share: float  # of V that the noise measured has, the largest over the pairs

    @property
    def verdict(self):
        """holds, if the theorem does in both dimensions and nothing measured is beyond it; fails if something is."""
        if not (self.excess <= MANY and self.share <= 1):
            return verdicts.FAILS
        both = self.small.verdict == self.large.verdict == verdicts.HOLDS
        return verdicts.HOLDS if both else verdicts.OPEN


@arguments(d=FORMULA)
def noise_moment(d):
    """V with E |N|_F^2 <= (V / B) |M|_F^2 for minibatches of size B, printed scale: a float on the safe side.

    For one input the gradient is -2 pi (f - f*) x a^T, where a in {0, 1}^d marks the active units, and |f - f*|^2 is at
    most d |M^T x|^2. As x and -x activate complementary units, the mean of |a|^2 is d / 2 beside whatever is even in x;
    and E |x|^2 |M^T x|^2 = (d + 2) |M|_F^2.
    """
    return (2 * Interval(d).square() * (Interval(d) + 2) * Interval.pi().square()).at_most()


@arguments(d=FORMULA, gamma_0=between(0, 0.17), distance=between(0, 0.17), batch=COUNT)
def constants(d, gamma_0, distance, batch):
    """The Constants in d dimensions for |W*|_2 <= gamma_0 and runs that stay within `distance` of W*.

    Raises ValueError as `local_convergence.constants` does.
    """
    near = local_convergence.constants(d, gamma_0, distance)
    V = noise_moment(d)
    growth = Interval(near.curvature).square() + Interval(V) / batch
    step = (Interval(max(near.margin, 0.0)) / growth).at_least()
    return Constants(d, batch, gamma_0, distance, near.margin, near.curvature, V, step)


@arguments(at=Constants, failure=_SHARE)
def start_within(at, failure):
    """From so near, |M_0|_F at most this, a run ever goes further than `at.distance` with probability <= `failure`."""
    return at.distance * math.sqrt(failure) * (1 - 1e-15)


@arguments(at=Constants, start=between(0, math.inf), near=between(0, math.inf), failure=_SHARE)
def steps_to(at, start, near, failure):
    """T: from |M_0|_F <= start a run has, but for probability `failure`, left D before or come within `near` by then.

    Raises ValueError where the theorem does not hold.
    """
    if at.verdict != verdicts.HOLDS:
        raise ValueError(f"at must hold, with a positive margin, not {at}")
    return max(0, math.ceil(math.log((start / near) ** 2 / failure) / at.rate) + 1)


@arguments(at=Constants, steps=COUNT, runs=COUNT)
def run(W, W_star, at, steps, runs):
    """The History of so many runs of the theorem's SGD from W, [d, d] both, with distances after every step.

    Errors as `src.dynamics.sgd.train` raises them, whose step is pi times `at.step`: it takes true gradients.
    """
    settings = {"eta": math.pi * at.step, "batch": at.batch, "steps": steps, "seeds": range(runs)}
    return sgd.train(W, W_star, **settings, record_at=range(steps + 1))


def noise_shares(
    W: Float[Tensor, "... d d"], W_star: Float[Tensor, "... d d"], x: Float[Tensor, "n d"]
) -> Float[Tensor, "... n"]:
    """|gradient of one input|_F^2 / (V |M|_F^2) for every input: their mean over x ~ N(0, I) is at most one.

    W, W_star: [..., d, d], different; x: [n, d] of their dtype. Raises TypeError or ValueError for anything else.
    """
    W, W_star = check_pair(W, W_star)
    d = W.shape[-1]
    check_tensor("x", x, f"inputs [n, d] with d = {d}", lambda shape: len(shape) == 2 and shape[1] == d)
    square = (W - W_star).square().sum((-2, -1))
    if not square.all():
        raise ValueError("W must differ from W_star, where there is no noise")
    student, teacher = (x + x @ V for V in (W, W_star))
    error = (student.relu() - teacher.relu()).sum(-1)
    size = 4 * math.pi**2 * error.square() * x.square().sum(-1) * (student > 0).sum(-1)
    return size / (noise_moment(d) * square[..., None])
