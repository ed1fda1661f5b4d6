"""The statistics and the verdict of Table 1, in src.experiments.gaps."""

import numpy as np
import pytest
from scipy import stats

from src.experiments import gaps
from src.verdicts import FAILS, HOLDS, UNDECIDED


def test_a_gap_is_welch():
    """Against the formula of Welch and Satterthwaite."""
    worse, better = np.array([12.0, 12.4, 11.9]), np.array([9.0, 9.3])
    one, two = worse.var(ddof=1) / 3, better.var(ddof=1) / 2
    freedom = (one + two) ** 2 / (one**2 / 2 + two**2 / 1)
    reach = stats.t.ppf(0.975, freedom) * (one + two) ** 0.5
    mean = worse.mean() - better.mean()
    assert gaps.gap(worse, better) == pytest.approx((mean, mean - reach, mean + reach))
    assert gaps.gap(worse, better[:1]) is None and gaps.gap(worse[:1], better) is None


@pytest.mark.parametrize(
    "low, high, standing",
    [(0.1, 2.0, gaps.ABOVE), (-0.1, 2.0, gaps.OPEN), (-2.0, -0.1, gaps.BELOW), (np.nan, np.nan, gaps.OPEN)],
)
def test_where_zero_lies(low, high, standing):
    assert gaps.Gap(1.0, low, high).standing == standing


UP, DOWN, WIDE = gaps.Gap(3.0, 2.0, 4.0), gaps.Gap(-3.0, -4.0, -2.0), gaps.Gap(1.0, -1.0, 3.0)


@pytest.mark.parametrize(
    "one, two, he, verdict",
    [
        (UP, UP, True, HOLDS),
        (UP, UP, False, UNDECIDED),
        (UP, DOWN, True, FAILS),
        (DOWN, UP, True, FAILS),
        (DOWN, WIDE, True, FAILS),
        (DOWN, DOWN, False, UNDECIDED),
        (UP, WIDE, True, UNDECIDED),
        (WIDE, UP, True, UNDECIDED),
        (UP, None, True, UNDECIDED),
        (None, DOWN, True, UNDECIDED),
    ],
)
def test_each_gap_and_the_recipe_move_the_verdict(one, two, he, verdict):
    assert gaps.Order(one, two, he).verdict == verdict


@pytest.mark.parametrize(
    "residual, single, vanilla, verdict",
    [
        ((6.9, 7.0, 7.1), (8.9, 9.0, 9.2), (11.9, 12.0, 12.3), HOLDS),  # the order as claimed
        ((9.0, 9.1, 9.2), (7.0, 7.1, 7.2), (12.0, 12.1, 12.2), FAILS),  # reversed
        ((6.9, 7.0, 7.1), (12.0, 12.1, 12.2), (8.9, 9.0, 9.2), FAILS),
        ((6.9, 9.0, 9.2), (7.0, 9.1, 9.2), (12.0, 12.1, 12.2), UNDECIDED),  # uncertain
        ((6.9, 7.0), (9.0,), (12.0, 12.1), UNDECIDED),  # a run too few
        ((), (), (), UNDECIDED),
    ],
)
def test_made_up_errors(residual, single, vanilla, verdict):
    errors = {"ResNet": np.array(residual), "single skip": np.array(single), "vanilla": np.array(vanilla)}
    assert gaps.order(errors, he=True).verdict == verdict
    assert gaps.order(errors, he=False).verdict == UNDECIDED


def test_which_gap_is_which():
    errors = {"ResNet": np.array([7.0, 7.1]), "single skip": np.array([9.0, 9.1]), "vanilla": np.array([12.0, 12.1])}
    found = gaps.order(errors, he=True)
    assert found.vanilla_single.mean == pytest.approx(3) and found.single_residual.mean == pytest.approx(2)
    fewer = gaps.order(errors | {"vanilla": np.array([12.0])}, he=True)
    assert fewer.standings == (gaps.UNKNOWN, gaps.ABOVE) and not fewer.decisive


@pytest.mark.parametrize(
    "values, words", [([], "not run yet"), ([9.0], "9.00 % (one run)"), ([9.0, 9.2], "9.10 ± 0.14 %, n = 2")]
)
def test_errors_in_words(values, words):
    assert gaps.described(np.array(values)) == words


def test_ex_identity_runs():
    """The exercise: two runs of each tell a gap of 4.3 standard deviations from zero, five runs one of 1.5."""
    for n, needed in ((2, 4.30), (5, 1.46)):
        runs = np.linspace(-1, 1, n)
        runs /= runs.std(ddof=1)
        for factor, standing in ((1.01, gaps.ABOVE), (0.99, gaps.OPEN)):
            assert gaps.gap(runs + factor * needed, runs).standing == standing
