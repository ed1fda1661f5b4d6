"""What the main theorem says of section 5.4, which the paper's introduction calls predicted by it.

Its weights are small: Theorem 3.2 lets none of them leave the ball of radius ALLOWED in spectral norm.
"""

from typing import NamedTuple

import torch

from src import verdicts
from src.checks import DIMENSION, arguments, check_positive
from src.dynamics import flow
from src.experiments import inputs
from src.model import weights

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


@arguments(d=DIMENSION, starts=range(1, 1001), t=check_positive, blocks=inputs.matrices, generator=torch.Generator)
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
