"""What the main theorem says of two experiments that the paper calls predicted by it: sections 5.4 and 5.2.

Its weights are small: Theorem 3.2 lets none of them leave the ball of radius ALLOWED in spectral norm.
"""

from typing import NamedTuple

import torch

from src import verdicts
from src.dynamics import flow, three_variables
from src.model import landscape, weights

ALLOWED = 0.01


class ZeroStart(NamedTuple):
    """Section 5.4: zero against random starts that meet the theorem's hypotheses, one hidden layer; and five blocks."""

    left: float  # share of the first distance to W* that is left from zero at the end
    behind: float  # largest ratio, over times and random starts, of zero's distance to that of a random start
    norm: float  # largest ‖W_k‖₂ of the five blocks, trained from zero

    @property
    def verdict(self):
        """fails, unless zero arrives with one layer and is never further away than a random start; holds, if the five
        blocks stay in the theorem's ball; else corrected: predicted is one layer, the network of the theorem."""
        if self.left > 0.01 or self.behind > 1:
            return verdicts.FAILS
        return verdicts.HOLDS if self.norm <= ALLOWED else verdicts.CORRECTED


def zero_start(d, starts, t, blocks, generator):
    """`ZeroStart` by the flow of eq. 2 in dimension d up to time t, ‖W*‖₂ = ALLOWED.

    Random starts, so many of them, have Gaussian entries and the teacher's spectral norm. blocks: weights [k, d', d'].
    """
    W_star, *random = weights.gaussian((1 + starts, d, d), ALLOWED, generator)
    W0 = torch.stack([torch.zeros_like(W_star), *random])
    distance = flow.integrate(W0, W_star.expand_as(W0), t).distance
    norm = torch.linalg.matrix_norm(blocks, 2).max().item()
    left = (distance[-1, 0] / distance[0, 0]).item()
    return ZeroStart(left, (distance[:, :1] / distance[:, 1:]).max().item(), norm)


class Vanilla(NamedTuple):
    """Section 5.2: the starts of the network with identity and of the vanilla one before the theorem and its criterion.

    The criterion is one-point convexity: the ratio <-grad L, W* - W> / ‖W* - W‖_F² is positive.
    """

    norm: float  # the larger ‖.‖₂ of start and teacher, with identity
    residual: float  # smallest ratio at the starts with identity
    vanilla: float  # largest ratio at the vanilla starts
    wrong: float  # ratio at section 5.3's start, which is one of the network with identity
    left: float  # share of the distance that is left of it by the flow: it arrives

    @property
    def verdict(self):
        """fails, unless the criterion tells the two networks apart and its violation means failure; holds, if the
        theorem's ball contains start and teacher too; else corrected: its criterion, not the theorem."""
        means_failure = not (self.wrong < 0 and self.left < 0.01)
        if not (self.residual > 0 > self.vanilla and means_failure):
            return verdicts.FAILS
        return verdicts.HOLDS if self.norm <= ALLOWED else verdicts.CORRECTED


def vanilla(W_star, starts, d, frobenius, trace, t):
    """`Vanilla`: section 5.2's teacher [n, n] and starts [k, n, n], the weights of both networks, and section 5.3's.

    The latter has one Frobenius norm and trace in dimension d, W* = 0, and follows the flow up to time t. The vanilla
    network's weights are those of eq. 1 at W - I.
    """
    identity = torch.eye(len(W_star), dtype=W_star.dtype)
    residual = landscape.one_point_ratio(starts, W_star.expand_as(starts))
    bare = landscape.one_point_ratio(starts - identity, (W_star - identity).expand_as(starts))
    history = three_variables.integrate(three_variables.start(d, frobenius, trace), d, [0.0, t], rtol=1e-8)
    wrong, left = history.inner[0] / history.distance[0] ** 2, history.distance[1] / history.distance[0]
    norm = max(torch.linalg.matrix_norm(W, 2).max().item() for W in (W_star, starts))
    return Vanilla(norm, residual.min().item(), bare.max().item(), wrong.item(), left.item())
