"""Section 5.5, judged: what the claims about pairs of digits and small spectral norms rest on. Errors are in per cent.

The paper's figures are training errors, at W = 0 and with ‖W‖₂ = 0.6: of 0 against 1, and the mean of all pairs.
"""

from typing import NamedTuple

import numpy as np
import torch

from src import verdicts
from src.checks import arguments
from src.experiments import digit_pairs
from src.runs.recorded import Recording

AT_ZERO = (7, 34)
TRAINED = (1, 14)


class AtZero(NamedTuple):
    """Exact errors at W = 0 on full MNIST, by scaling of the pixels, which the paper does not name."""

    errors: np.ndarray  # [scalings, 2]: 0 against 1, mean of 45 pairs

    @property
    def matching(self):
        """Which scalings give the paper's two figures, rounded: [scalings], bool."""
        return (np.round(self.errors) == AT_ZERO).all(1)

    @property
    def verdict(self):
        """holds, if a customary scaling gives both figures; not decidable from the text, if none does."""
        return verdicts.HOLDS if self.matching.any() else verdicts.UNDECIDED


class InBall(NamedTuple):
    """How well the ball of radius 0.6 was searched: recorded on full MNIST by conditional gradient, and in this run."""

    zero: float  # mean of 45 pairs at W = 0
    first: float  # 0 against 1, trained
    mean: float  # of 45 pairs, trained: an upper bound of what the ball allows
    spread: float  # standard deviation of the trained error over the pairs
    test: float  # mean test error
    norm: float  # the largest ‖W‖₂ that was recorded for this ball
    live_zero: float  # mean over the pairs of this run
    live_trained: float
    live_norm: float  # the largest ‖W‖₂ of this run over its radius

    @property
    def verdict(self):
        """holds, if W in the ball reach the paper's 1 % and 14 % or less, rounded, and this run improves on W = 0
        within its own ball; fails otherwise."""
        reached = self.first < TRAINED[0] + 0.5 and self.mean < TRAINED[1] + 0.5 and self.norm < 0.6001
        here = self.live_trained < self.live_zero and self.live_norm < 1.0001
        return verdicts.HOLDS if reached and here else verdicts.FAILS


class Figures(NamedTuple):
    """The trained errors as figures: which of them a search gives depends on the search."""

    reached: np.ndarray  # [searches, 2]: 0 against 1, mean of 45 pairs; recorded, the same ball

    @property
    def verdict(self):
        """holds, if one search gives both figures, rounded; fails, if all stay above one of them; else not decidable
        from the text, which names no search."""
        if (np.round(self.reached) == TRAINED).all(1).any():
            return verdicts.HOLDS
        below = (np.round(self.reached) <= TRAINED).all(1).any()
        return verdicts.UNDECIDED if below else verdicts.FAILS


class AverageNorm(NamedTuple):
    """Section 3's remark: small spectral norm on average over the pairs, and good performance."""

    norm: float  # mean ‖W‖₂ of the 45 recorded W
    train: float
    test: float  # mean errors of these W
    tiny_zero: float  # mean error of this run's pairs at W = 0
    tiny: float  # trained with ‖W‖₂ at most the theorem's 1/100: said beside it, the remark is about O(1)

    @property
    def verdict(self):
        """holds, if the norm is below that of the identity, which W is added to, and training and test error are the
        paper's 14 % or less, rounded; fails otherwise."""
        good = max(self.train, self.test) < TRAINED[1] + 0.5
        return verdicts.HOLDS if self.norm < 1 and good else verdicts.FAILS


@arguments(recording=Recording)
def column(recording):
    """Which column of the recorded conditional gradient is the ball of radius 0.6."""
    return int(np.flatnonzero(digit_pairs.radii(recording) == digit_pairs.RADIUS)[0])


@arguments(recording=Recording)
def at_zero(recording):
    """`AtZero` of the recording mnist_spectral_norm."""
    errors = 100 * recording.arrays["at_zero"]
    return AtZero(np.stack([errors[:, 0], errors.mean(1)], 1))


@arguments(recording=Recording, live=digit_pairs.trained)
def in_ball(recording, live):
    """`InBall` of the recording mnist_spectral_norm and the `digit_pairs.every` of this run."""
    stored, at = recording.arrays, column(recording)
    trained, here = 100 * stored["frank_wolfe_train"][:, at], _means(live)
    return InBall(
        zero=100 * stored["frank_wolfe_train"][:, 0].mean().item(),
        first=trained[0].item(),
        mean=trained.mean().item(),
        spread=trained.std(ddof=1).item(),
        test=100 * stored["frank_wolfe_test"][:, at].mean().item(),
        norm=stored["frank_wolfe_norm"][:, at].max().item(),
        live_zero=here[0],
        live_trained=here[-1],
        live_norm=max((result.norm[-1] / result.radii[-1]).item() for result in live.values()),
    )


@arguments(recording=Recording)
def figures(recording):
    """`Figures` of the two recorded searches, projected SGD first."""
    stored = recording.arrays
    trained = 100 * np.stack([stored["projected_sgd_train"][:, -1], stored["frank_wolfe_train"][:, column(recording)]])
    return Figures(np.stack([trained[:, 0], trained.mean(1)], 1))


@arguments(recording=Recording, tiny=digit_pairs.trained)
def average_norm(recording, tiny):
    """`AverageNorm` of the recording mnist_spectral_norm; tiny: a `digit_pairs.every` with ‖W‖₂ at most 1/100."""
    stored, at = recording.arrays, column(recording)
    train, test = (100 * stored[f"frank_wolfe_{name}"][:, at].mean().item() for name in ("train", "test"))
    here = _means(tiny)
    return AverageNorm(stored["frank_wolfe_norm"][:, at].mean().item(), train, test, here[0], here[-1])


def _means(live):
    """The mean training error over the pairs of a run, in per cent, for each norm."""
    return torch.stack([100 * result.train for result in live.values()]).mean(0).tolist()
