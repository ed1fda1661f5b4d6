"""The public calls of the modules of `src.theory` from o to z, with arguments that work; see `tests/bad_inputs.py`."""

import numpy as np
import torch

from src.theory import (
    norm_growth,
    one_point_convexity,
    only_critical_point,
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
    spurious_minima,
    standard_start,
    start,
    taylor,
    training_set,
    uniqueness,
    vanishing,
    whole_run,
    wrong_way,
)
from tests.bad_inputs import Call
from tests.theory.draws import generator

ANY_NUMBER = {"zero", "negative"}  # of a number that may be any
NOT_NEGATIVE = {"zero"}
FIRST = {"first zero", "first negative"}  # of a list of any numbers
SMALLER = {"smaller"}  # of a matrix of any dimension
SECOND = (0.1, 0.2, -0.1)  # coordinates (alpha, kappa, tau)


def matrix(seed=0, d=5, size=0.05):
    return size * torch.randn(d, d, generator=generator(seed), dtype=torch.float64)


def batch(seed=0, n=2, d=5):
    return torch.stack([matrix(seed + k, d) for k in range(n)])


def pair():
    return {"W": matrix(0), "W_star": matrix(1)}


def pairs():
    return {"W": batch(0), "W_star": batch(4)}


def points():
    return {"x": np.array([0.5, 1.0]), "y": np.array([1.0, -2.0]), "height": 3.0}


def direction():
    V = matrix(2)
    return V / V.norm()


def growth(d=5):
    return norm_growth.Growth(1.3, 1.0, *norm_growth.at_one_column(d))


def path(d=5):
    corners = phase_one_pairs.corners(0.01)[:2]
    return phase_one.descend_in_span(corners, d, torch.linspace(0, 0.5, 5, dtype=torch.float64))


def clauses():
    return phase_one.judge(path(), 5, 0.01, 0.02)


def worst():
    return phase_one_updates.Quotients(*np.ones((3, 2, 2)))


def point():
    zero = torch.zeros(5, 5, dtype=torch.float64)
    return plateau.point(matrix(), zero)


def distances():
    return np.array([1e-2, 1e-3, 1e-4, 1e-5])


def runs():
    return standard_start.descend(5, 2, 0, t_end=1.0)


def searches():
    return phase_two.run_searches([5], [0.4], 4, 3, 0)._replace(values=np.full((1, 1, 4), 0.01))


CALLS = [
    Call(one_point_convexity.strongly_convex, lambda: {"n": 3, "generator": generator()}),
    Call(
        one_point_convexity.minimiser,
        lambda: {"gradient": one_point_convexity.strongly_convex(3, generator())[0], "n": 3},
    ),
    Call(one_point_convexity.from_convexity, lambda: {"n": 3, "functions": 2, "points": 4, "generator": generator()}),
    Call(one_point_convexity.surface, points, {"height": NOT_NEGATIVE}),
    Call(one_point_convexity.slope, lambda: {"x": 0.5, "height": 3.0}, {"x": ANY_NUMBER, "height": NOT_NEGATIVE}),
    Call(one_point_convexity.chord_gap, points, {"height": NOT_NEGATIVE}),
    Call(one_point_convexity.constant, lambda: {"height": 3.0}, {"height": NOT_NEGATIVE}),
    Call(one_point_convexity.one_point_ratios, points, {"height": NOT_NEGATIVE}),
    Call(one_point_convexity.not_convex, points, {"height": NOT_NEGATIVE}),
    Call(one_point_convexity.strictness, lambda: points() | {"delta": 0.1}, {"height": NOT_NEGATIVE}),
    Call(only_critical_point.constants, lambda: {"gamma": 0.01}),
    Call(only_critical_point.largest_potential, lambda: {"gamma": 0.01, "d": 5}),
    Call(only_critical_point.margin, lambda: {"gamma": 0.01, "d": 5}),
    Call(only_critical_point.radius, lambda: {"d": 5}),
    Call(phase_one.shrink_rate, pair),
    Call(phase_one.proved_rate, lambda: {"gamma": 0.02, "norm": 0.01, "norm_star": 0.01}, {"norm_star": NOT_NEGATIVE}),
    Call(phase_one.times, lambda: {"d": 5, "t_end": 0.5, "finest": 0.25}, {"t_end": NOT_NEGATIVE}),
    Call(
        phase_one.descend,
        lambda: (
            pairs() | {"t": torch.linspace(0, 0.5, 4, dtype=torch.float64), "noise": 0.01, "generator": generator()}
        ),
        {"noise": NOT_NEGATIVE},
    ),
    Call(
        phase_one.descend_in_span,
        lambda: {
            "pairs": phase_one_pairs.corners(0.01)[:2],
            "d": 5,
            "t": torch.linspace(0, 0.5, 4, dtype=torch.float64),
        },
        {"pairs": {"first first first zero"}},
    ),
    Call(phase_one.judge, lambda: {"path": path(), "d": 5, "gamma_0": 0.01, "gamma": 0.02}),
    Call(
        phase_one.clauses_in_span,
        lambda: {"d": 5, "gamma_0": 0.01, "gamma": 0.02, "t_end": 0.5},
        {"t_end": NOT_NEGATIVE},
    ),
    Call(
        phase_one.theorem,
        lambda: {"here": clauses(), "growth": growth(), "dimensions": [5], "gamma_0": 0.01, "gamma": 0.02},
        {"here": {"None"}},
    ),
    Call(
        phase_one_pairs.shrink_rate,
        lambda: {"W": SECOND, "W_star": (0.0, 0.1, 0.1), "d": 5},
        {"W": FIRST, "W_star": FIRST, "d": {"fraction"}},
    ),
    Call(phase_one_pairs.corners, lambda: {"gamma": 0.01}),
    Call(phase_one_pairs.slowest_pair, lambda: {"d": 5, "gamma_0": 0.01, "gamma": 0.02}),
    Call(
        phase_one_pairs.matrices,
        lambda: {"coordinates": (0.1, 0.0, -0.1), "d": 5},
        {"coordinates": FIRST},
    ),
    Call(
        phase_one_pairs.worst_starts,
        lambda: {"d": 5, "gamma_0": 0.01, "gamma": 0.02, "growth": growth(), "generator": generator()},
    ),
    Call(phase_one_pairs.largest_gamma_0, lambda: {"d": 100, "gamma": 0.01}),
    Call(phase_one_updates.potential_slope, pair),
    Call(phase_one_updates.proved_remainder, lambda: {"gamma": 0.01, "d": 5, "s": 0.1}, {"s": NOT_NEGATIVE}),
    Call(phase_one_updates.proved_quotient_of_s, lambda: {"gamma": 0.01}),
    Call(phase_one_updates.proved_quotient, lambda: {"gamma": 0.01}),
    Call(phase_one_updates.quotients, lambda: pair() | {"gamma": 0.5}),
    Call(
        phase_one_updates.worst_quotients,
        lambda: {"dimensions": [5], "gammas": [0.01], "pairs": 2, "generator": generator()},
    ),
    Call(
        phase_one_updates.coordinate_step,
        lambda: {"W": SECOND, "d": 5, "eta": 0.01},
        {"W": FIRST},
    ),
    Call(
        phase_one_updates.in_floats_and_digits,
        lambda: {"function": lambda W: W[0] + W[2], "W": SECOND},
        {"W": FIRST},
    ),
    Call(phase_one_updates.counterexample, lambda: {"d": 5, "gamma": 0.01}),
    Call(phase_one_updates.s_update, lambda: {"worst": worst(), "gammas": [0.01, 0.02]}),
    Call(
        phase_one_updates.g_update,
        lambda: {"d": 5, "worst": worst(), "gammas": [0.01, 0.02], "exact": (0.01, 0.001)},
    ),
    Call(
        phase_two.crossing,
        lambda: {"x": [0.1, 0.2, 0.3], "y": np.array([1.0, 0.5, 0.2]), "level": 0.4},
        {"x": FIRST, "level": ANY_NUMBER},
    ),
    Call(phase_two.proved_up_to, lambda: {"delta": 0.03, "g_max": 0.1}, {"delta": ANY_NUMBER, "g_max": ANY_NUMBER}),
    Call(
        phase_two.one_search,
        lambda: {"d": 5, "gamma": 0.1, "starts": 2, "steps": 2, "seed": 1},
        {"seed": NOT_NEGATIVE},
    ),
    Call(
        phase_two.run_searches,
        lambda: {"dims": [5], "gammas": [0.1], "starts": 2, "steps": 2, "seed": 1, "folder": None, "workers": 0},
        {"seed": NOT_NEGATIVE, "workers": {"None", "zero"}},
    ),
    Call(phase_two.margin, lambda: {"searches": searches(), "found": 0.5}, {"found": ANY_NUMBER}),
    Call(
        phase_two.one_sided,
        lambda: {"d": 5, "gamma": 0.5, "starts": 5, "steps": 6, "span_dims": [103], "tries": 3, "seed": 1},
        {"seed": NOT_NEGATIVE},
    ),
    Call(phase_two_steps.step_size, lambda: {"T": 100, "alpha": 0.1}, {"T": {"fraction"}}),
    Call(
        phase_two_steps.bound,
        lambda: {"T": 100, "alpha": 0.1, "d": 5, "gamma": 0.01, "noise": 0.1},
        {"noise": NOT_NEGATIVE},
    ),
    Call(
        phase_two_steps.required,
        lambda: {"alpha": 0.1, "d": 5, "gamma": 0.01, "noise": 0.1},
        {"noise": NOT_NEGATIVE},
    ),
    Call(phase_two_steps.from_steps, lambda: {"quotient": 100.0}),
    Call(phase_two_steps.stable_steps, lambda: {"alpha": 0.1, "d": 5}),
    Call(phase_two_steps.covered_steps, lambda: {"alpha": 0.1, "d": 5, "gamma": 0.01}),
    Call(
        phase_two_steps.useful_steps,
        lambda: {"alpha": 0.1, "d": 5, "gamma": 0.01, "distance": 0.1},
        {"distance": {"None"}},
    ),
    Call(
        phase_two_steps.overshoot,
        lambda: {"T": 5, "alpha": 0.1, "size": 1e-4, "generator": generator(), "d": 5, "scale": 1.0, "steps": 3},
        {"steps": {"None"}},
    ),
    Call(
        phase_two_steps.stay,
        lambda: {"gamma": 0.01, "gamma_0": 0.001, "generator": generator(), "d": 5, "t_end": 1.0},
        {"t_end": NOT_NEGATIVE},
    ),
    Call(phase_two_steps.phase_two, lambda: {"alpha": 0.01, "d": 5, "generator": generator()}),
    Call(phase_two_steps.polynomial, lambda: {"alpha": 0.01, "dimensions": (100, 1000)}),
    Call(plateau.low_orders, pair),
    Call(plateau.point, pair),
    Call(plateau.in_minimum, lambda: {"p": point()}),
    Call(plateau.fate, lambda: pair() | {"time": 0.1}),
    Call(potential_stays.comes_down, lambda: {"path": path(), "gamma": 0.01}),
    Call(
        potential_stays.stays_around,
        lambda: {"dimensions": (5, 7), "gammas": (0.01, 0.001), "t_end": 0.3},
        {"t_end": NOT_NEGATIVE},
    ),
    *(
        Call(law, lambda: {"n": 4, "d": 5, "generator": generator()})
        for law in (radial_inputs.normal, radial_inputs.sphere, radial_inputs.student, radial_inputs.uniform)
    ),
    Call(radial_inputs.laws, lambda: {"d": 5}),
    Call(
        radial_inputs.sampled_gradients,
        lambda: pair() | {"draw": lambda n: radial_inputs.normal(n, 5, generator()), "samples": 40},
    ),
    Call(radial_inputs.standard_error, lambda: {"gradients": batch()}, {"gradients": SMALLER}),
    Call(
        radial_inputs.clock,
        lambda: (
            pair()
            | {"gradient": matrix(2), "law": radial_inputs.laws(5)["sphere"], "samples": 40, "generator": generator()}
        ),
    ),
    Call(
        radial_inputs.example,
        lambda: {
            "draw": radial_inputs.uniform,
            "d": 5,
            "gamma": 0.1,
            "pairs": 2,
            "samples": 40,
            "generator": generator(),
        },
    ),
    Call(
        radial_inputs.decay,
        lambda: {
            "W": matrix(),
            "law": radial_inputs.laws(5)["sphere"],
            "level": 0.5,
            "batch": 2,
            "seeds": [0, 1],
            "generator": generator(),
            "begin": 0.2,
            "finish": 2.0,
        },
        {"seeds": {"first zero"}, "begin": NOT_NEGATIVE},
    ),
    Call(reach.proved_up_to, lambda: {}),
    Call(reach.reach, lambda: {"W_start": batch(), "W_star": matrix(2, size=0.1), "seed": 1}, {"seed": NOT_NEGATIVE}),
    Call(search.printed_ratio, pair),
    Call(search.clip, lambda: {"W": matrix(), "gamma": 0.1}, {"W": SMALLER}),
    Call(search.starts, lambda: {"d": 5, "gamma": 0.1, "count": 5, "generator": generator()}),
    Call(search.with_corners, lambda: {"d": 5, "gamma": 0.1, "count": 5, "generator": generator()}),
    Call(
        search.minimize,
        lambda: (
            pairs()
            | {
                "gamma": 0.1,
                "g_min": -9.0,
                "g_max": 9.0,
                "steps": 2,
                "step": 0.2,
                "objective": search.printed_ratio,
            }
        ),
        {"g_min": ANY_NUMBER | {"minus infinite"}, "g_max": {"zero", "infinite"}},
    ),
    Call(
        search.best_of,
        lambda: {"values": torch.tensor([0.3, 0.1, 0.2], dtype=torch.float64)},
        {"values": {"half", "infinite", "integers"}},
    ),
    Call(search.precise, lambda: pair() | {"digits": 20}),
    Call(
        smoothness.with_column,
        lambda: {"W": matrix(), "j": 2, "column": matrix(1)[0].clone()},
        {"j": {"zero"}},
    ),
    Call(smoothness.suspects, pair),
    Call(smoothness.change_across, lambda: pair() | {"V": direction(), "h": distances()}),
    Call(smoothness.changes, lambda: pair() | {"V": direction(), "h": distances()}),
    Call(
        smoothness.smoothness,
        lambda: {"changes": {"generic": distances(), "zero": distances()}, "h": distances(), "size": 1.0},
    ),
    Call(smoothness.cubic_coefficient, lambda: {"W_star": matrix(), "V": direction(), "h": 0.01}),
    Call(smoothness.cubic_by_formula, lambda: {"W_star": matrix(), "V": direction()}),
    Call(smoothness.order, lambda: pair() | {"V": direction(), "h": distances(), "smallest": 1e-3}),
    Call(
        span.printed_ratio,
        lambda: {"W": SECOND, "W_star": (0.0, 0.1, 0.1), "d": 5},
        {
            "W": FIRST,
            "W_star": FIRST,
            "d": {"fraction"},
        },
    ),
    Call(
        span.minimize,
        lambda: {"d": 103, "gamma": 0.1, "g_max": 0.1, "tries": 2, "seed": 1},
        {"g_max": {"zero", "negative"}, "seed": NOT_NEGATIVE},
    ),
    Call(
        span.smallest,
        lambda: {"dims": [103], "gamma": 0.1, "tries": 2, "seed": 1, "g_max": 0.1},
        {"g_max": {"zero", "negative"}, "seed": NOT_NEGATIVE},
    ),
    Call(span.limit, lambda: {"gamma": 0.1, "g": 0.1}, {"g": ANY_NUMBER}),
    Call(span.small_weights_limit, lambda: {"c": np.array([0.1, 0.2]), "g": 0.1}, {"g": NOT_NEGATIVE}),
    Call(spurious_minima.minimum, lambda: {"d": 6}),
    Call(spurious_minima.entries, lambda: {"W": matrix()}, {"W": SMALLER}),
    Call(spurious_minima.exchanged, lambda: {"W": matrix()}, {"W": SMALLER}),
    Call(spurious_minima.other_copies, lambda: {"W": matrix()}, {"W": SMALLER}),
    Call(spurious_minima.nearest_copy, lambda: {"W": matrix()}, {"W": SMALLER}),
    Call(spurious_minima.from_random_starts, lambda: {"d": 3, "count": 1, "generator": generator()}),
    Call(spurious_minima.spurious, lambda: {"dimensions": [6]}),
    Call(
        standard_start.descend,
        lambda: {"d": 5, "runs": 2, "seed": 1, "t_end": 1.0},
        {"seed": NOT_NEGATIVE, "t_end": NOT_NEGATIVE},
    ),
    Call(standard_start.twins, lambda: {"d": 5}),
    Call(standard_start.judge, lambda: {"found": runs(), "d": 5, "seed": 1}, {"seed": NOT_NEGATIVE}),
    Call(start.potential_at_start, lambda: {"dimensions": [5, 7], "generator": generator(), "draws": 3}),
    Call(start.mean_length, lambda: {"d": 5, "nu": 0.5}, {"nu": NOT_NEGATIVE}),
    Call(
        start.exact_mean_potential,
        lambda: {"d": 5, "student": 0.5, "teacher": 0.6},
        {"student": NOT_NEGATIVE, "teacher": NOT_NEGATIVE},
    ),
    Call(
        start.mean_potential,
        lambda: {"d": 5, "student": 0.5, "teacher": 0.6},
        {"student": NOT_NEGATIVE, "teacher": NOT_NEGATIVE},
    ),
    Call(
        start.deviation_of_potential,
        lambda: {"student": 0.5, "teacher": 0.6},
        {"student": NOT_NEGATIVE, "teacher": NOT_NEGATIVE},
    ),
    Call(
        start.ratio_slope,
        lambda: {"student": 0.5, "teacher": 0.6},
        {"student": NOT_NEGATIVE, "teacher": NOT_NEGATIVE},
    ),
    Call(start.power, lambda: {"sizes": (3, 5), "values": np.array([1.0, 2.0])}, {"sizes": {"first fraction"}}),
    Call(start.correlated_units, lambda: {"d": 5, "generator": generator()}),
    Call(start.covariances, lambda: {"A": matrix(size=1.0)}, {"A": SMALLER}),
    Call(start.angles, lambda: {"A": matrix(size=1.0)}, {"A": SMALLER}),
    Call(start.covariance_sums, lambda: {"W": matrix()}, {"W": SMALLER}),
    Call(start.orthonormal_units, lambda: {"d": 5, "generator": generator()}),
    Call(taylor.part_ratio, lambda: {"part": "constant", "reading": "g"}),
    Call(taylor.diagonal_pair, lambda: {"d": 6, "gamma": 0.1}),
    Call(taylor.figure_5_up_to, lambda: {"part": "first_order", "level": -1.3}),
    Call(
        taylor.three_parts,
        lambda: {
            "d": 5,
            "gammas": [0.01, 0.1],
            "starts": 2,
            "steps": 2,
            "seed": 1,
            "diagonal_d": 6,
            "diagonal_gamma": 1e-3,
        },
        {"seed": NOT_NEGATIVE},
    ),
    Call(taylor.quotient_at, lambda: {"c": 0.5}, {"c": NOT_NEGATIVE}),
    Call(
        taylor.angle_errors,
        lambda: {"d": 5, "gamma": 0.1, "distances": np.array([1e-3, 1e-2]), "generator": generator()},
    ),
    Call(
        uniqueness.sgd,
        lambda: {
            "weights": matrix(),
            "network": lambda x, W: (x @ W).relu().sum(1),
            "target": lambda x: x.sum(1),
            "generator": generator(),
            "eta": 0.02,
            "batch": 4,
            "steps": 2,
        },
        {"weights": SMALLER},
    ),
    Call(uniqueness.turned_cycle, lambda: {"d": 5}),
    Call(uniqueness.within, lambda: {"W_star": matrix(d=4)}, {"W_star": SMALLER}),
    Call(uniqueness.judge, lambda: {"W_star": matrix(d=3)}),
    Call(uniqueness.same_path, lambda: {"W_0": matrix(), "W_star": matrix(1), "seed": 1}, {"seed": NOT_NEGATIVE}),
    Call(uniqueness.arrivals, lambda: {"d": 3, "runs": 1, "generator": generator(), "norm": 0.1}),
    Call(
        uniqueness.moved_start,
        lambda: {"W_0": matrix(), "W_star": matrix(1), "d": 3, "runs": 1, "seed": 1},
        {"seed": NOT_NEGATIVE},
    ),
    Call(vanishing.pair, lambda: {"d": 5, "gamma": 0.3}),
    Call(
        vanishing.matrix,
        lambda: {"x": (0.9, 0.1, 0.1, 1.1, 0.1), "d": 5},
        {"x": FIRST},
    ),
    Call(
        vanishing.lengths,
        lambda: {"x": np.ones((5, 2)), "d": 5},
    ),
    Call(
        vanishing.descent_direction,
        lambda: {"x": (0.9, 0.1, 0.1, 1.1, 0.1), "d": 5, "b": 0.7},
        {"x": FIRST},
    ),
    Call(vanishing.follow, lambda: {"d": 5, "gamma": 0.3, "t_end": 1.0}),
    Call(training_set.rates, lambda: {"x": torch.randn(4, 3, generator=generator(), dtype=torch.float64)}),
    Call(training_set.slowest, lambda: {"d": 5, "n": 50}),
    Call(training_set.compare, lambda: {"d": 4, "ratios": [0.5, 2], "generator": generator()}),
    Call(vanishing.onset, lambda: {"d": 5, "t_end": 10.0}),
    Call(
        vanishing.jump,
        lambda: {"d": 4, "gamma": 0.2, "t_end": 1.0, "generator": generator(), "push": 1e-3},
        {"push": NOT_NEGATIVE},
    ),
    Call(vanishing.shortest_on_the_way, lambda: pairs() | {"steps": 2}),
    Call(
        vanishing.hunt,
        lambda: {"d": 4, "gamma": 0.3, "starts": 2, "iterations": 2, "steps": 2, "generator": generator()},
    ),
    Call(
        whole_run.beside,
        lambda: {
            "distance": np.array([[0.5], [0.4]]),
            "t": [0.0, 0.1],
            "d": 11,
            "frobenius": 0.5,
            "trace": -0.2,
            "eta": 1e-3,
            "batch": 4,
        },
        {"t": FIRST, "trace": ANY_NUMBER, "distance": FIRST},
    ),
    Call(whole_run.live, lambda: {"d": 11, "spectral": 0.1, "level": 0.5, "steps": 12, "seeds": [0]}),
    Call(
        whole_run.of_recording,
        lambda: {
            "arrays": {"t": [0.0, 0.1], "distance": np.array([[0.5], [0.4]])},
            "parameters": {"d": 11, "frobenius": 0.5, "trace": -0.2, "eta": 1e-3, "batch": 4},
        },
    ),
    Call(wrong_way.figure_3, lambda: {"d": 103, "frobenius": 4.5}),
    Call(wrong_way.lowest_inner, lambda: {"d": 103, "frobenius": 3.0}),
    Call(wrong_way.critical_frobenius, lambda: {"d": 103}),
    Call(
        wrong_way.lowest_ratio,
        lambda: {"d": 103, "gamma": 0.2, "precise": True},
        {"d": {"fraction"}},
    ),
    Call(wrong_way.smallest_norms, lambda: {"dimensions": [103]}),
    Call(wrong_way.lowest_possible, lambda: {"d": 103, "gamma": 0.01}, {"d": {"fraction"}}),
    Call(wrong_way.safe_dimension, lambda: {"gamma": 0.01, "delta": 0.03}, {"delta": ANY_NUMBER}),
    Call(wrong_way.small_pair, lambda: {"gamma": 0.1}),
    Call(wrong_way.in_phase_one, lambda: {"d": 5, "gamma": 0.01, "count": 2, "generator": generator()}),
    Call(wrong_way.first_prime, lambda: {"least": 5}),
]
EXEMPT = {
    "theory.phase_two.record": "stores a recording in the working tree; its arguments are those of `run_searches`",
    "theory.search.check_limit": "a kind of argument of others",
}
