"""What the runs of Table 1 come to: mean errors, Welch's intervals for their differences, and the verdict."""

from typing import NamedTuple

from scipy import stats

from src import verdicts

ABOVE, BELOW, OPEN = "is above zero", "is below zero", "cannot be told from zero"
UNKNOWN = "is not known, for want of runs"
PAIRS = {("vanilla", "single skip"): 3.03, ("single skip", "ResNet"): 2.04}  # (worse, better): the paper's gap


class Gap(NamedTuple):
    """A difference of mean test errors and its 95 % interval, in points (hundredths of the test set)."""

    mean: float
    low: float
    high: float

    @property
    def standing(self):
        """What the interval says of the gap: ABOVE, BELOW or OPEN."""
        return ABOVE if self.low > 0 else BELOW if self.high < 0 else OPEN


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
    he: bool  # whether the runs are of He et al.'s whole recipe

    @property
    def decisive(self):
        """Whether these runs may decide: the whole recipe, and two runs or more of each network."""
        return self.he and self.vanilla_single is not None and self.single_residual is not None

    @property
    def verdict(self):
        """With decisive runs: holds, if both gaps are above zero; fails, if one is below. Else not decidable: the text
        does not say how the networks were trained
        """
        if self.decisive and BELOW in self.standings:
            return verdicts.FAILS
        if self.decisive and self.standings == (ABOVE, ABOVE):
            return verdicts.HOLDS
        return verdicts.UNDECIDED

    @property
    def standings(self):
        """What is known of the two gaps: ABOVE, BELOW, OPEN or UNKNOWN of each."""
        return tuple(UNKNOWN if gap is None else gap.standing for gap in (self.vanilla_single, self.single_residual))


def order(errors, he):
    """The Order of `errors`, {network's name in Table 1: test errors of its runs in per cent}."""
    return Order(*(gap(errors[worse], errors[better]) for worse, better in PAIRS), he=he)


def described(errors):
    """Mean and standard deviation of a network's test errors [n], in words."""
    if len(errors) < 2:
        return f"{errors[0]:.2f} % (one run)" if len(errors) else "not run yet"
    return f"{errors.mean():.2f} ± {errors.std(ddof=1):.2f} %, n = {len(errors)}"
