"""Arguments that are fine one by one, but not together, are refused with a sentence that names one of them."""

import re

import numpy as np
import pytest
import torch

from src.theory import (
    norm_growth,
    one_point_convexity,
    phase_one,
    phase_one_pairs,
    phase_one_updates,
    phase_two,
    phase_two_steps,
    plateau,
    potential_stays,
    radial_inputs,
    reach,
    search,
    smoothness,
    span,
    start,
    taylor,
    uniqueness,
    vanishing,
    wrong_way,
)
from tests.theory.draws import generator

W, V = 0.05 * torch.randn(2, 5, 5, generator=generator(), dtype=torch.float64)
ZERO = torch.zeros_like(W)
H = np.array([1e-2, 1e-3, 1e-4])
LAW = radial_inputs.laws(5)["sphere"]


def decay(**changes):
    usual = {"law": LAW, "level": 0.5, "batch": 2, "seeds": [0, 1], "generator": generator(), "finish": 3.0}
    return radial_inputs.decay(W, **usual | changes)


def worst(gammas):
    return phase_one_updates.Quotients(*np.ones((3, 2, gammas)))


def times(*t):
    return torch.tensor(t, dtype=torch.float64)


CALLS = {
    "surface": (lambda: one_point_convexity.surface(np.ones(2), np.ones(3)), "x and y must have shapes"),
    "proved_rate": (lambda: phase_one.proved_rate(0.01, 0.1, 0.4), "norm_star"),
    "times": (lambda: phase_one.times(10**6, 100.0), "t_end"),
    "descend": (lambda: phase_one.descend(W[None], V[None], times(0, 2, 1)), "t must be increasing"),
    "descend_in_span": (
        lambda: phase_one.descend_in_span([[(0.1, 0.0, 0.1)]], 5, times(0, 1)),
        "pairs must be a list of pairs",
    ),
    "matrices": (lambda: phase_one_pairs.matrices((0.1, 0.1, 0.1), 5), "coordinates must have kappa = 0"),
    "worst_starts": (
        lambda: phase_one_pairs.worst_starts(
            6, 0.01, 0.02, norm_growth.Growth(1.0, 1.0, *norm_growth.at_one_column(5)), generator()
        ),
        "growth must be that of dimension d = 6",
    ),
    "s_update": (lambda: phase_one_updates.s_update(worst(3), [0.01, 0.02]), "worst must hold"),
    "s_update, falling": (lambda: phase_one_updates.s_update(worst(2), [0.02, 0.01]), "gammas must be increasing"),
    "g_update": (
        lambda: phase_one_updates.g_update(5, worst(2), [0.01, 0.02], exact=(1e-3, 1e-2)),
        "exact must be decreasing",
    ),
    "crossing": (lambda: phase_two.crossing([1, 2], [1.0, 2.0, 3.0], 1.5), "as long as y"),
    "crossing, falling": (lambda: phase_two.crossing([2, 1], [1.0, 2.0], 1.5), "x must be increasing"),
    "overshoot": (lambda: phase_two_steps.overshoot(5, 0.1, 0.01, generator(), 5, steps=6), "steps must be at most"),
    "point": (lambda: plateau.point(W, W), "W must differ from W_star"),
    "stays_around": (lambda: potential_stays.stays_around((7, 5)), "dimensions must grow"),
    "stays_around, rising": (lambda: potential_stays.stays_around((5, 7), (1e-3, 1e-2)), "gammas must fall"),
    "sampled_gradients": (
        lambda: radial_inputs.sampled_gradients(W[None], V, lambda n: torch.zeros(n, 5), 40),
        "W must be one",
    ),
    "clock": (
        lambda: radial_inputs.clock(W, V, ZERO, LAW, 40, generator()),
        "gradient must be one [d, d] matrix other than zero",
    ),
    "decay of one run": (lambda: decay(seeds=[0]), "seeds must be at least two"),
    "decay, no window": (lambda: decay(begin=3.0), "begin less than finish"),
    "decay, few steps": (lambda: decay(level=50.0), "level"),
    "decay, many steps": (lambda: decay(level=1e-9), "level"),
    "reach": (lambda: reach.reach(W[None], V[None], 0), "W_star must be one"),
    "minimize": (lambda: search.minimize(W, V, 0.1), "W and W_star must be batches"),
    "best_of": (lambda: search.best_of(times(np.inf, np.inf)), "not all of it infinite"),
    "precise": (lambda: search.precise(W, W), "W must differ from W_star"),
    "with_column": (lambda: smoothness.with_column(W, 0, W[0, :4]), "column must be a vector [d]"),
    "suspects": (lambda: smoothness.suspects(W[:1, :1], V[:1, :1]), "W must have at least two columns"),
    "change_across": (lambda: smoothness.change_across(W, V, V[None], H), "V must be one"),
    "smoothness": (
        lambda: smoothness.smoothness({"a": H, "b": H}, H[::-1], 1.0),
        "h must be at least three decreasing",
    ),
    "smoothness, shorter": (lambda: smoothness.smoothness({"a": H, "b": H[1:]}, H, 1.0), "changes must hold"),
    "cubic_by_formula": (
        lambda: smoothness.cubic_by_formula(-torch.eye(5, dtype=torch.float64), V),
        "W_star must leave every column",
    ),
    "order": (lambda: smoothness.order(W, V, V, [1e-3]), "h must be at least two"),
    "printed_ratio": (
        lambda: span.printed_ratio((0.1, 0.0, 0.1), (0.1, 0.0, 0.1), 7),
        "W must differ from W_star",
    ),
    "potential_at_start": (lambda: start.potential_at_start([7, 7], generator()), "dimensions must be at least two"),
    "power": (lambda: start.power((1, 2), [1.0, 2.0, 3.0]), "as many as values"),
    "ratio_slope": (lambda: start.ratio_slope(0.0, 0.0), "student and teacher must not both be zero"),
    "covariances": (lambda: start.covariances(ZERO), "A must be one [d, d] matrix without a column of zeros"),
    "three_parts": (lambda: taylor.three_parts(5, [0.1, 0.01], 2, 2, 0), "gammas must be increasing"),
    "angle_errors": (lambda: taylor.angle_errors(5, 0.1, [1e-2, 1e-3], generator()), "distances must be at least two"),
    "same_path": (lambda: uniqueness.same_path(W.float(), V.float(), 0), "W_0 must be one [d, d] matrix of float64"),
    "within": (lambda: uniqueness.within(torch.zeros(9, 9, dtype=torch.float64)), "W_star must have from 2 to 8"),
    "judge": (lambda: uniqueness.judge(ZERO), "W_star must have from 3 to 8 columns, and not be zero"),
    "matrix": (lambda: vanishing.matrix((1.0, 0.0, 0.0, 1.0), 5), "x must be the five variables"),
    "lengths": (lambda: vanishing.lengths(np.ones((4, 2)), 5), "x must be the five variables"),
    "onset": (lambda: vanishing.onset(5, t_end=1e-3), "t_end must be long enough"),
    "shortest_on_the_way": (lambda: vanishing.shortest_on_the_way(W, V, 2), "W must be starts"),
    "figure_3": (lambda: wrong_way.figure_3(11, 4.5), "frobenius must be at most"),
    "lowest_inner": (lambda: wrong_way.lowest_inner(11, 100.0), "frobenius must be at most"),
    "smallest_norms": (lambda: wrong_way.smallest_norms([103, 11]), "dimensions must be from 17"),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_does_not_go_together_is_refused(name):
    call, sentence = CALLS[name]
    with pytest.raises(ValueError, match=re.escape(sentence)):
        call()


def test_a_direction_may_have_any_columns():
    """V = -I, whose columns of I + V are zero, is a direction like any other."""
    direction = -torch.eye(5, dtype=torch.float64)
    third = smoothness.cubic_coefficient(W, direction, 1e-4)
    assert third == pytest.approx(smoothness.cubic_by_formula(W, direction), rel=1e-2, abs=1e-6)
