"""Arguments that are each of the right kind and do not fit together, for calls of `tests/theory/calls.py`."""

import numpy as np
import pytest
import torch

from src.theory import correlated_inputs, detour
from tests import bad_inputs
from tests.theory import calls
from tests.theory.calls import normal, unit, worst

CALLS = {call.name.removeprefix("theory."): call for call in calls.CALLS}
EYE = torch.eye(3, dtype=torch.float64)

BAD = [
    ("arrivals.rests", "gamma", 0.3),  # no norm of the map
    ("arrivals.rests", "size", {**calls.SMALL_MAP, "runs": 2}),
    ("basins.destination", "A", 0 * normal(2, 3, 3)),  # the origin
    ("basins.ends_on_plane", "ticks", torch.tensor([0.0, 1.0], dtype=torch.float64)),
    ("basins.exchange_columns", "x", normal(9, 3).float()),
    ("basins.exchange_columns", "x", normal(1, 3)),  # has no standard deviation
    ("basins.permuted", "order", [1, 1, 0]),
    ("basins.permuted", "order", torch.tensor([1.0, 0.0, 2.0])),
    ("basins.switched", "i", 3),
    ("closed_form.against_samples", "direction", 2 * unit(2, 2)),
    ("closed_form.against_samples", "distances", np.array([0.0, 1.0])),
    ("closed_form.exact_loss", "columns", [[1.0], [2.0], [3.0]]),
    ("closed_form.exact_loss", "columns", [[0.0], [2.0]]),
    ("closed_form.pair", "p", torch.zeros(3, dtype=torch.float64)),
    ("closed_form.pair", "a", normal(2, 3)),  # p has four vectors
    ("correlated_inputs.arrivals", "P", correlated_inputs.directions(5, calls.draws())),
    ("correlated_inputs.covariances", "P", normal(3, 3)),
    ("correlated_inputs.covariances", "P", 2 * EYE),
    ("correlated_inputs.crossing", "curve", [0.1]),
    ("correlated_inputs.crossing", "deltas", [0.2, 0.1, 0.0]),
    ("correlated_inputs.descend", "record", [2, 0]),
    ("correlated_inputs.loss_by_kernels", "Sigma", -EYE),
    ("correlated_inputs.proved_radius", "ratio", 1.0),
    ("correlated_inputs.ratio", "W", normal(3, 3, seed=2)),  # is W_star
    ("correlated_inputs.tilted", "tilts", [0.3]),  # beyond gamma
    ("critical_points.record", "plan", ((2,),)),
    ("critical_points.record", "plan", ((11, 1),)),
    ("detour.length_in_span", "W", (0.1, 0.2)),
    ("detour.length_in_span", "W", (0.0, 0.1, 0.0)),  # is W_star
    ("expansion.orders", "scales", calls.SCALES.flip(0)),
    ("expansion.power", "norms", 0 * calls.SCALES),
    ("gradient_noise.places", "large", 15),  # 3 modulo 4 and no prime
    ("gradient_noise.way_home", "times", [0.2, 0.1]),
    ("gradient_size.sizes", "W", 2 * unit(3, 3, 3)),
    ("gradient_size.sizes", "W_star", unit(2, 3, 3)),
    ("gradient_size.sizes", "gammas", [0.1, 0.01]),
    ("gradient_witnesses.gradient_by_autograd", "W", normal(3, 3, seed=2)),  # is W_star
    ("gradient_witnesses.gradient_by_differences", "entries", [4]),
    ("gradient_witnesses.gradient_by_differences", "step", 1e-16),  # loses the digits
    ("gradient_witnesses.witnesses", "entries", 5),
    ("how_far.adversarial_pair", "worst", worst()[:1]),
    ("how_far.adversarial_pair", "worst", (normal(6, 6), normal(6, 6))),  # would lose a row
    ("how_far.make_map", "dims", [4]),  # below that of the searched pairs
    ("arrivals.smallest_gamma", "kinds", [3]),
    ("main_theorem.fall", "W", [0.0, 0.1, 0.0]),  # g is zero
    ("main_theorem.largest_start", "d_most", 99),
    ("main_theorem.section_5_2", "d", 90),  # no matrix has these norms
    ("margin.slacks", "gamma", 1e-9),
    ("naive_gradient.approximation_errors", "W", normal(2, 3, 3, seed=2)),  # is W_star
    ("naive_gradient.naive_gradient", "gammas", [0.1, 0.01]),
    ("noisy_descent.lemma_2_5", "settings", {}),
    ("noisy_descent.quadratic", "curvatures", torch.tensor([2.0, 3.0], dtype=torch.float64)),
    ("norm_growth.alternating", "k", 5),
    ("norm_growth.largest_entry", "y", normal(5)),
    ("norm_growth.linear_flow", "t", torch.tensor([0.1, 0.2])),
]


@pytest.mark.parametrize(("name", "argument", "value"), BAD)
def test_what_does_not_fit_together_is_refused(name, argument, value):
    call = CALLS[name]
    outcome, sentence = bad_inputs.outcome(call, argument, call.arguments() | {argument: value})
    assert outcome == bad_inputs.Outcome.CLEAR, sentence


def test_arguments_of_the_long_call_are_refused_before_any_work():
    long = bad_inputs.Call(detour.detour, lambda: {"d": 30, "large": 43, "generator": calls.draws()})
    rows = bad_inputs.tried([long])
    assert len(rows) > 20 and all(row[3] == bad_inputs.Outcome.CLEAR for row in rows)
