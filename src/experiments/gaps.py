"""What the runs of Table 1 come to: mean errors, Welch's intervals for their differences, and the verdict."""

from typing import NamedTuple

import numpy as np
from scipy import stats

from src import verdicts
from src.checks import arguments, check_value, vector
from src.experiments import inputs

ABOVE, BELOW, OPEN = "is above zero", "is below zero", "cannot be told from zero"
UNKNOWN = "is not known, for want of runs"
PAIRS = {("vanilla", "single skip"): 3.03, ("single skip", "ResNet"): 2.04}  # (worse, better): the paper's gap
RUNS = 5  # of each network, in the paper
FACTOR = 2  # a gap is the paper's if it is between the paper's over FACTOR and FACTOR times the paper's


def _errors(name, value):
    """Test errors in per cent, an array [n]; n may be 0."""
    check_value(name, value, np.ndarray)
    if value.shape != (0,):
        check_value(name, value, vector(inputs.NUMBER))


class Gap(NamedTuple):
    """A difference of mean test errors and its 95 % interval, in points (hundredths of the test set)."""

    mean: float
    low: float
    high: float

    @property
    def standing(self):
        """What the interval says of the gap's sign: ABOVE, BELOW or OPEN."""
        return ABOVE if self.low > 0 else BELOW if self.high < 0 else OPEN

    def agrees(self, paper):
        """Whether the gap is above zero by its interval, and of the size of the paper's to within FACTOR."""
        return self.standing == ABOVE and paper / FACTOR <= self.mean <= FACTOR * paper

    def contradicts(self, paper):
        """Whether the whole interval is of another size (or sign) than the paper's gap, FACTOR allowed for."""
        return self.high < paper / FACTOR or self.low > FACTOR * paper


@arguments(worse=_errors, better=_errors)
def gap(worse, better):
    """The Gap between two networks by Welch's interval, from their runs' errors in per cent; None for a single run."""
    if min(len(worse), len(better)) < 2:
        return None
    interval = stats.ttest_ind(worse, better, equal_var=False).confidence_interval()
    return Gap(float(worse.mean() - better.mean()), float(interval.low), float(interval.high))


class Order(NamedTuple):
    """Claim table-1: the gaps between vanilla and single skip, and between single skip and ResNet, as far as known."""

    vanilla_single: Gap | None
    single_residual: Gap | None
    runs: tuple  # number of runs of each of the three networks
    he: bool  # whether the runs are of He et al.'s whole recipe

    @property
    def decisive(self):
        """Whether these runs may decide: the whole recipe, and the paper's number of runs of every network."""
        return self.he and self.runs == (RUNS, RUNS, RUNS)

    @property
    def verdict(self):
        """open, until there are decisive runs. With them: fails, if a gap contradicts the paper's; holds, if both agree
        with it; still open otherwise
        """
        if not self.decisive:
            return verdicts.OPEN
        both = list(zip((self.vanilla_single, self.single_residual), PAIRS.values(), strict=True))
        if any(gap.contradicts(paper) for gap, paper in both):
            return verdicts.FAILS
        return verdicts.HOLDS if all(gap.agrees(paper) for gap, paper in both) else verdicts.OPEN

    @property
    def standings(self):
        """What is known of the signs of the two gaps: ABOVE, BELOW, OPEN or UNKNOWN of each."""
        return tuple(UNKNOWN if gap is None else gap.standing for gap in (self.vanilla_single, self.single_residual))


@arguments(errors=inputs.mapping(_errors, "ResNet", "single skip", "vanilla"), he=bool)
def order(errors, he):
    """The Order of `errors`, {network's name in Table 1: test errors of its runs in per cent}."""
    runs = tuple(len(errors[name]) for name in ("ResNet", "single skip", "vanilla"))
    return Order(*(gap(errors[worse], errors[better]) for worse, better in PAIRS), runs=runs, he=he)


@arguments(errors=_errors)
def described(errors):
    """Mean and standard deviation of a network's test errors [n], in words."""
    if len(errors) < 2:
        return f"{errors[0]:.2f} % (one run)" if len(errors) else "not run yet"
    return f"{errors.mean():.2f} ± {errors.std(ddof=1):.2f} %, n = {len(errors)}"
