"""The statistics and the verdict of Table 1, in src.experiments.gaps."""

import numpy as np
import pytest
from scipy import stats

from src.experiments import gaps
from src.verdicts import FAILS, HOLDS, OPEN


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


PAPER = gaps.Gap(3.0, 2.5, 3.5), gaps.Gap(2.0, 1.5, 2.5)
WIDE, DOWN = gaps.Gap(3.0, -0.1, 6.1), gaps.Gap(-3.0, -4.0, -2.0)


@pytest.mark.parametrize(
    "change, verdict",
    [
        ({}, HOLDS),
        ({"he": False}, OPEN),
        ({"runs": (4, 5, 5)}, OPEN),
        ({"runs": (5, 4, 5)}, OPEN),
        ({"runs": (5, 5, 4)}, OPEN),
        ({"runs": (6, 5, 5)}, OPEN),  # equal numbers, the paper's
        ({"vanilla_single": WIDE}, OPEN),
        ({"single_residual": WIDE}, OPEN),
        ({"vanilla_single": DOWN}, FAILS),
        ({"single_residual": DOWN}, FAILS),
        ({"vanilla_single": DOWN, "he": False}, OPEN),
        ({"vanilla_single": gaps.Gap(40.0, 38.0, 42.0)}, FAILS),  # a vanilla network that does not train
        ({"vanilla_single": gaps.Gap(6.07, 5.0, 7.1)}, OPEN),  # twice 3.03 is 6.06
        ({"vanilla_single": gaps.Gap(6.05, 5.0, 7.1)}, HOLDS),
        ({"vanilla_single": gaps.Gap(7.0, 6.07, 8.0)}, FAILS),
        ({"vanilla_single": gaps.Gap(1.5, 0.1, 2.9)}, OPEN),
        ({"vanilla_single": gaps.Gap(1.0, 0.5, 1.51)}, FAILS),
        ({"single_residual": gaps.Gap(4.1, 3.9, 4.3)}, OPEN),  # twice 2.04 is 4.08
        ({"single_residual": gaps.Gap(4.5, 4.09, 4.9)}, FAILS),
        ({"single_residual": gaps.Gap(0.5, 0.1, 1.01)}, FAILS),
        ({"vanilla_single": None, "single_residual": None, "runs": (0, 0, 0)}, OPEN),
    ],
)
def test_each_input_moves_the_verdict(change, verdict):
    assert gaps.Order(*PAPER, runs=(5, 5, 5), he=True)._replace(**change).verdict == verdict


SPREAD = np.array([-0.2, -0.1, 0.0, 0.1, 0.2])


@pytest.mark.parametrize(
    "residual, single, vanilla, verdict",
    [
        (6.97, 9.01, 12.04, HOLDS),  # the paper's
        (9.01, 6.97, 12.04, FAILS),  # reversed
        (6.97, 12.04, 9.01, FAILS),
        (6.97, 9.01, 53.0, FAILS),
        (6.97, 7.02, 12.04, FAILS),  # hardly any gap
    ],
)
def test_made_up_errors(residual, single, vanilla, verdict):
    means = {"ResNet": residual, "single skip": single, "vanilla": vanilla}
    errors = {name: mean + SPREAD for name, mean in means.items()}
    assert gaps.order(errors, he=True).verdict == verdict
    assert gaps.order(errors, he=False).verdict == OPEN
    for name in errors:
        assert gaps.order(errors | {name: errors[name][:4]}, he=True).verdict == OPEN


def test_the_gaps_of_the_paper():
    """Table 1, entered a second time."""
    paper = {"ResNet": 6.97, "single skip": 9.01, "vanilla": 12.04}
    assert gaps.RUNS == 5
    for (worse, better), points in gaps.PAIRS.items():
        assert paper[worse] - paper[better] == pytest.approx(points)


def test_which_gap_is_which():
    errors = {"ResNet": np.array([7.0, 7.1]), "single skip": np.array([9.0, 9.1]), "vanilla": np.array([12.0, 12.1])}
    found = gaps.order(errors, he=True)
    assert found.vanilla_single.mean == pytest.approx(3) and found.single_residual.mean == pytest.approx(2)
    fewer = gaps.order(errors | {"vanilla": np.array([12.0])}, he=True)
    assert fewer.standings == (gaps.UNKNOWN, gaps.ABOVE) and fewer.runs == (2, 2, 1) and not fewer.decisive


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
