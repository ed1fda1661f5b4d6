"""Whether the theorems reach the networks of section 5.2: their norms against those for which Theorem 3.3 is true."""

from typing import NamedTuple

import torch
from scipy.optimize import brentq

from src import verdicts
from src.checks import MATRIX, SEED, arguments, like
from src.model import landscape
from src.theory import bounds, span


class Reach(NamedTuple):
    """Claim theory-predicted: spectral norms of section 5.2, and what is known of Theorem 3.3 at them."""

    residual: float  # smallest spectral norm of a residual start or of the teacher
    vanilla: float  # smallest spectral norm of a vanilla start, V_0 - I
    proved: float  # the norm up to which the margin 0.03 is proved, for every d
    worst: float  # lowest ratio found among pairs with norms of at most `residual` and g <= 0.1, printed scale
    potential: float  # smallest g at a residual start

    @property
    def verdict(self):
        """holds, if the theorem's margin is proved, or not refuted, at the residual student's norms, and proved at the
        vanilla student's, of which it would then say something; else fails
        """
        residual = self.residual <= self.proved or self.worst > bounds.DELTA
        return verdicts.HOLDS if residual and self.vanilla <= self.proved else verdicts.FAILS


def proved_up_to():
    """The largest gamma for which the proof's bound on the ratio is at least 0.03, for every d."""
    return brentq(lambda gamma: bounds.one_point_ratio(gamma) - bounds.DELTA, 1e-3, 0.1)


@arguments(W_start=MATRIX, W_star=like("W_start"), seed=SEED)
def reach(W_start, W_star, seed):
    """The Reach of starts [runs, d, d] and a teacher [d, d]; `seed` is that of the search for the worst pair."""
    if not len(W_start):
        raise ValueError("W_start must hold at least one start, [runs, d, d]")
    if W_star.ndim != 2 or len(W_star) < 3:
        raise ValueError(f"W_star must be one [d, d] matrix with d >= 3, not {list(W_star.shape)}")
    d = len(W_star)
    spectral = [float(torch.linalg.matrix_norm(W, 2).min()) for W in (W_start, W_star, W_start - torch.eye(d))]
    residual = min(spectral[:2])
    odd = d - 1 + d % 2  # there the family's K exists; a column of zeros more changes neither ratio nor norms
    worst = span.minimize(odd, residual, seed=seed).ratio
    potential = float(landscape.potential(W_start, W_star).min())
    return Reach(residual, spectral[2], proved_up_to(), float(worst), potential)
