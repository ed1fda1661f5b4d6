"""The public calls of `src.theory`, with arguments that work; see `tests/bad_inputs.py`.

Those of its modules from o to z stand in `calls_o_to_z`.
"""

import tempfile
from pathlib import Path

import mpmath
import numpy as np
import torch

from src.dynamics import flow
from src.theory import (
    arrivals,
    basins,
    both_phases,
    bounds,
    certificates,
    closed_form,
    correlated_inputs,
    critical_points,
    curvature,
    detour,
    expansion,
    family_certificate,
    family_form,
    gradient_noise,
    gradient_size,
    gradient_witnesses,
    how_far,
    joint_margin,
    joint_steps,
    linear_part,
    local_convergence,
    main_theorem,
    margin,
    minibatch_convergence,
    minima,
    naive_gradient,
    noise_law,
    noisy_descent,
    norm_growth,
    norm_stays,
)
from src.theory.intervals import Interval
from tests.bad_inputs import Call
from tests.theory import calls_o_to_z


def draws():
    return torch.Generator().manual_seed(0)


def normal(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(*shape):
    """The arguments W and W_star, of that shape each."""
    return {"W": normal(*shape, seed=1), "W_star": normal(*shape, seed=2)}


def unit(*shape):
    """A matrix of Frobenius norm 1, or several of spectral norm 1."""
    W = normal(*shape, seed=3)
    return W / (W.norm() if W.ndim == 2 else torch.linalg.matrix_norm(W, 2)[..., None, None])


def certified_box():
    return family_form.domain(0.1, 100)[0]


def certified():
    return family_certificate.Certificate(0.01, 0.4, 100, "..")


def promise():
    return both_phases.guarantee(100, 300, 0.05)


def near():
    return minibatch_convergence.constants(3, 0.02, 0.03, 5)


def local():
    return local_convergence.constants(3, 0.02, 0.03)


def worst():
    return tuple(normal(5, 5, seed=seed) for seed in (1, 2))


def map_of_two():
    """A Map of one dimension and two norms, with no run at rest at the larger one."""
    outcomes = np.array([how_far.HOME, how_far.REST], dtype=np.int8).reshape(1, 1, 2, 1).repeat(3, 0)
    return how_far.Map(np.array([5]), np.array([0.2, 0.5]), outcomes, np.ones(outcomes.shape))


def one_survey():
    return critical_points.Survey(*(np.array([x]) for x in (0.1, 1.4, 1.5, 0.2, 1, 0.0, 0.9)))


def quadratic():
    return noisy_descent.quadratic(torch.ones(3, dtype=torch.float64), 0.3)


FOLDER = tempfile.TemporaryDirectory()
BATCHES = {"samples": 20, "generator": draws(), "batches": 2}
SCALES = torch.logspace(-3, 0, 6, dtype=torch.float64)
FEWER = {"fewer rows"}  # of a list of inputs
ORDERS = expansion.Orders(1.0, 1.0, 2.0, 0.0)
SMALL_MAP = {"runs": 1, "t_end": 0.1, "search_starts": 2, "search_steps": 2}

CALLS = [
    Call(
        arrivals.rests,
        lambda: {"made": map_of_two(), "size": dict(SMALL_MAP), "gamma": 0.2, "seed": 1},
        {"seed": {"zero"}},
    ),
    Call(arrivals.two_ways, lambda: {**pair(2, 3, 3), "t_end": 0.1}),
    Call(basins.all_orders, lambda: {"d": 3}),
    Call(basins.cyclic_shift, lambda: {"d": 3}),
    Call(basins.destination, lambda: {"A": 1 + normal(2, 3, 3), "W_star": normal(3, 3), "steps": 2}),
    Call(
        basins.ends_at_random,
        lambda: {"W_star": normal(3, 3), "norms": [0.1], "starts": 2, "steps": 2, "generator": draws()},
        {"W_star": {"smaller"}},
    ),
    Call(
        basins.ends_on_plane,
        lambda: {"W_star": normal(3, 3), "ticks": torch.tensor([0.5, 1.0], dtype=torch.float64), "steps": 2},
        {"W_star": {"smaller"}},
    ),
    Call(basins.exchange_columns, lambda: {"W": normal(3, 3), "x": normal(9, 3)}, {"x": FEWER}),
    Call(
        basins.paths_apart,
        lambda: {**pair(3, 3), "x": normal(2, 9, 3), "eta": 0.1, "decay": 0.1},
        {"x": FEWER, "decay": {"zero"}},
    ),
    Call(basins.permuted, lambda: {"W_star": normal(3, 3), "order": [1, 0, 2]}),
    Call(basins.plane, lambda: {"c_1": normal(3), "c_2": normal(2), "d": 3}),
    Call(
        basins.sketch,
        lambda: {
            "on_plane": basins.Plane(torch.zeros(1), np.zeros((1, 1)), 1.0),
            "at_random": basins.RandomStarts(np.array([0.5]), np.zeros((1, 2)), np.zeros((1, 2))),
        },
    ),
    Call(basins.switch_columns, lambda: {"d": 3, "starts": 5, "generator": draws(), "gamma": 0.5}),
    Call(basins.switched, lambda: {"W": normal(3, 3), "i": 1, "j": 2}, {"i": {"zero"}, "j": {"zero"}}),
    Call(bounds.figure_5, lambda: {"gamma": 0.01, "g_max": 0.1}, {"g_max": {"zero", "negative"}}),
    Call(bounds.gradient_frobenius, lambda: {"d": 5, "gamma": 0.01, "noise": 0.1}, {"noise": {"zero"}}),
    Call(bounds.gradient_spectral, lambda: {"d": 5, "gamma": 0.01, "noise": 0.1}, {"noise": {"zero"}}),
    Call(bounds.margin_constants, lambda: {"gamma": 0.01}),
    Call(bounds.margin_pieces, lambda: {"gamma": 0.01, "g_max": 0.1}, {"g_max": {"zero", "negative"}}),
    Call(bounds.one_point_ratio, lambda: {"gamma": 0.01, "g_max": 0.1}, {"g_max": {"zero", "negative"}}),
    Call(bounds.phase_one_factor, lambda: {"d": 5, "step": 0.01}),
    Call(bounds.phase_one_potential, lambda: {"gamma": 0.01}),
    Call(bounds.phase_one_step, lambda: {"d": 5, "gamma": 0.01, "noise": 0.1}, {"noise": {"zero"}}),
    Call(bounds.phase_one_steps, lambda: {"step": 0.01}),
    Call(
        closed_form.against_digits,
        lambda: {"W_star": normal(2, 2), "direction": unit(2, 2), "distances": [0.1, 1.0]},
    ),
    Call(
        closed_form.against_samples,
        lambda: {
            "W_star": normal(2, 2),
            "direction": unit(2, 2),
            "distances": np.array([0.1, 1.0]),
            "samples": 9,
            "generator": draws(),
        },
    ),
    Call(
        closed_form.agreement,
        lambda: {
            "sampled": closed_form.Sampled(*np.ones((4, 2))),
            "digits": closed_form.Digits(*np.ones((3, 2))),
        },
    ),
    Call(certificates.all_pairs, lambda: {"delta": 0.03}),
    Call(certificates.family, lambda: {"certificate": certified(), "arithmetics": ("Arb",)}),
    Call(certificates.first_margin, lambda: {"gamma": 0.01, "g_max": 0.1}, {"g_max": {"zero"}}),
    Call(certificates.whole_ball, lambda: {"gamma": 0.02, "delta": 0.03}),
    Call(closed_form.exact_columns, lambda: {"W": normal(2, 2)}, {"W": {"smaller"}}),
    Call(
        closed_form.exact_loss,
        lambda: {"columns": [[mpmath.mpf(1), mpmath.mpf(2)], [3.0, 1.0], [1.0, 0.0], [0.5, 2.0]]},
        {"columns": {"first first number"}},
    ),
    Call(closed_form.loss_as_written, lambda: pair(2, 2)),
    Call(closed_form.loss_in_digits, lambda: {**pair(2, 2), "digits": 20}),
    Call(closed_form.network, lambda: {"x": normal(9, 3), "A": normal(3, 3)}, {"x": FEWER}),
    Call(closed_form.pair, lambda: {"p": normal(4, 3), "a": normal(3)}, {"p": FEWER}),
    Call(closed_form.sampled_pair, lambda: {"p": normal(3), "a": normal(3), "x": normal(9, 3)}, {"x": FEWER}),
    Call(closed_form.single, lambda: pair(3, 3)),
    Call(
        correlated_inputs.arrivals,
        lambda: {
            "starts": normal(1, 4, 4),
            "teacher": normal(4, 4, seed=2),
            "deltas": [0.1],
            "P": correlated_inputs.directions(4, draws())[:1],
            "t_end": 0.5,
        },
        {"deltas": {"first zero"}},
    ),
    Call(
        correlated_inputs.covariances,
        lambda: {"deltas": [0.1, 0.5], "P": correlated_inputs.directions(4, draws())},
        {"deltas": {"first zero"}, "P": {"smaller"}},
    ),
    Call(
        correlated_inputs.crossing,
        lambda: {"deltas": (0.0, 0.1, 0.2), "curve": [0.3, 0.2, 0.1], "level": 0.15},
        {
            "deltas": {"first zero", "first negative"},
            "curve": {"first zero", "first negative"},
            "level": {"zero", "negative"},
        },
    ),
    Call(
        correlated_inputs.descend,
        lambda: {**pair(3, 3), "Sigma": 1.5 * torch.eye(3, dtype=torch.float64), "eta": 0.1, "record": [0, 2]},
        {"record": {"first zero"}},
    ),
    Call(correlated_inputs.directions, lambda: {"d": 4, "generator": draws()}),
    Call(correlated_inputs.loss_by_kernels, lambda: {**pair(3, 3), "Sigma": 1.5 * torch.eye(3, dtype=torch.float64)}),
    Call(correlated_inputs.lower_bound, lambda: {"delta": 0.01, "gamma": 0.01}, {"delta": {"zero"}}),
    Call(correlated_inputs.proved_radius, lambda: {"gamma": 0.01, "ratio": 0.03}, {"ratio": {"zero"}}),
    Call(correlated_inputs.ratio, lambda: {**pair(3, 3), "Sigma": 1.5 * torch.eye(3, dtype=torch.float64)}),
    Call(
        correlated_inputs.smallest_ratios,
        lambda: {
            "gamma": 0.1,
            "deltas": [0.1],
            "P": correlated_inputs.directions(4, draws()),
            "starts": 2,
            "steps": 2,
            "generator": draws(),
            "seen": True,
        },
        {"deltas": {"first zero"}, "P": {"smaller"}},
    ),
    Call(
        correlated_inputs.tilted,
        lambda: {"tilts": [-0.1, 0.0], "d": 6, "gamma": 0.2, "delta": 0.1, "generator": draws()},
        {"tilts": {"first zero"}, "delta": {"zero"}},
    ),
    Call(correlated_inputs.time_to_turn, lambda: {"history": flow.integrate(**flow_arguments())}),
    Call(critical_points.find, lambda: {**pair(2, 2, 2), "steps": 2, "tolerance": 1e-9}),
    Call(critical_points.nearest, lambda: {"searched": one_survey()}),
    Call(
        critical_points.record,
        lambda: {"seed": 0, "plan": [[2, 1]], "folder": Path(FOLDER.name)},
        {"seed": {"zero"}, "plan": {"first first number"}},
    ),
    Call(critical_points.survey, lambda: {"d": 2, "count": 1, "teacher_norm": 0.1, "generator": draws()}),
    Call(critical_points.together, lambda: {"surveys": [one_survey(), one_survey()]}),
    Call(
        detour.length_in_span,
        lambda: {"W": (0.1, 0.2, 0.1), "d": 7, "W_star": (0.0, 0.1, 0.0), "t_end": 1.0, "points": 9},
        {"W": {"first zero", "first negative"}, "W_star": {"first zero", "first negative"}},
    ),
    Call(detour.longest_for_small_weights, lambda: {"d": 7}),
    Call(detour.longest_from_gaussian, lambda: {"d": 3, "draws": 2, "generator": draws(), "t_end": 0.5}),
    Call(detour.longest_in_span, lambda: {"d": 7, "gamma": 0.1, "evaluations": 1}),
    Call(expansion.identities, lambda: pair(3, 3)),
    Call(expansion.orders, lambda: {**pair(3, 3), "scales": SCALES}),
    Call(expansion.power, lambda: {"scales": SCALES, "norms": 2 * SCALES}),
    Call(expansion.remainders, lambda: {**pair(3, 3), "scales": SCALES}),
    Call(expansion.worst, lambda: {"found": [ORDERS, ORDERS]}),
    Call(
        gradient_noise.minibatch_noise,
        lambda: {**pair(3, 3), "batch": 5, "batches": 2, "generator": draws()},
    ),
    Call(
        gradient_noise.noise_at,
        lambda: {**pair(3, 3), "gamma": 0.1, "batch": 5, "batches": 2, "generator": draws()},
    ),
    Call(
        family_certificate.bounds_of_leaves,
        lambda: {"certificate": certified(), "epsilon": 0.01, "T": 1.0},
        {"epsilon": {"zero"}},
    ),
    Call(family_certificate.halve, lambda: {"box": certified_box(), "side": "p"}),
    Call(family_certificate.leaves, lambda: {"certificate": certified()}),
    Call(
        family_certificate.search,
        lambda: {"gamma": 0.01, "delta": 0.4, "d_least": 100, "most": 100},
        {"delta": {"zero", "negative"}},
    ),
    Call(family_certificate.verify, lambda: {"certificate": certified(), "arithmetic": "mpmath"}),
    Call(family_form.domain, lambda: {"gamma": 0.1, "d_least": 100}),
    Call(
        family_form.forms,
        lambda: {"box": certified_box().as_intervals(Interval), "gamma": Interval(0.1)},
    ),
    Call(gradient_noise.places, lambda: {"large": 7, "generator": draws()}),
    Call(
        gradient_noise.way_home,
        lambda: {
            **pair(3, 3),
            "gamma": 0.1,
            "batch": 5,
            "batches": 2,
            "times": [0.1, 0.2],
            "generator": draws(),
            "rtol": 0.1,
        },
    ),
    Call(gradient_size.proved_norms, lambda: {"d": 9, "gamma": 0.01}),
    Call(gradient_size.proved_share, lambda: {"d": 9, "gamma": 0.01}),
    Call(gradient_size.share, lambda: {**pair(3, 3), "gamma": 0.2, "norm": 2}),
    Call(
        gradient_size.sizes,
        lambda: {"W": unit(3, 3, 3), "W_star": -unit(3, 3, 3), "gammas": [0.01, 0.1], "ascent": 1, "ascend_at": 0.01},
    ),
    Call(
        gradient_witnesses.factor,
        lambda: {"found": gradient_witnesses.witnesses(**pair(2, 2), entries=1, **BATCHES)},
    ),
    Call(gradient_witnesses.gradient_by_autograd, lambda: pair(3, 3)),
    Call(
        gradient_witnesses.gradient_by_differences,
        lambda: {**pair(2, 2), "entries": [1], "step": 1e-9, "digits": 30},
        {"entries": {"first zero"}},
    ),
    Call(gradient_witnesses.gradient_by_sampling, lambda: {**pair(3, 3), **BATCHES}),
    Call(gradient_witnesses.witnesses, lambda: {**pair(2, 2), "entries": 1, **BATCHES}),
    Call(
        how_far.adversarial_pair,
        lambda: {"family": "searched", "d": 5, "gamma": 0.1, "worst": worst(), "generator": draws()},
    ),
    Call(
        how_far.cell,
        lambda: {"d": 5, "gamma": 0.2, **SMALL_MAP, "seed": 1},
        {"seed": {"zero"}},
    ),
    Call(how_far.check_runs, lambda: pair(2, 3, 3)),
    Call(
        how_far.drawn,
        lambda: {"d": 5, "gamma": 0.2, "runs": 1, "search_starts": 2, "search_steps": 2, "seed": 1},
        {"seed": {"zero"}},
    ),
    Call(how_far.follow, lambda: {**pair(2, 3, 3), "t_end": 0.5, "over_zero": False}),
    Call(
        how_far.make_map,
        lambda: {"dims": [5], "gammas": [0.2], **SMALL_MAP, "seed": 1, "folder": None, "workers": 0},
        {"seed": {"zero"}, "workers": {"None", "zero"}},
    ),
    Call(
        how_far.opposite_turns,
        lambda: {"gamma": 0.2, "K": how_far.three_cycle(3)[0], "plane": how_far.three_cycle(3)[1]},
    ),
    Call(
        how_far.pairs,
        lambda: {"kind": "flat", "d": 5, "gamma": 0.1, "runs": 2, "worst": worst(), "generator": draws()},
    ),
    Call(
        how_far.record,
        lambda: {"seed": 0, "folder": Path(FOLDER.name), "dims": [5], "gammas": [0.2], **SMALL_MAP},
        {"seed": {"zero"}},
    ),
    Call(arrivals.spurious_pair, lambda: {"d": 6}),
    Call(arrivals.room, lambda: {"maps": [map_of_two()]}),
    Call(
        how_far.worst_pair,
        lambda: {"gamma": 0.2, "search_starts": 2, "search_steps": 2, "seed": 1},
        {"seed": {"zero"}},
    ),
    Call(
        arrivals.smallest_gamma,
        lambda: {"maps": [map_of_two()], "outcomes": [1, 2], "kinds": [1]},
        {"outcomes": {"first zero"}, "kinds": {"first zero"}},
    ),
    Call(how_far.three_cycle, lambda: {"d": 3}),
    Call(how_far.turned_cycles, lambda: {"d": 3, "gammas": [0.2]}),
    Call(joint_margin.certified, lambda: {"gamma": 0.05, "g_max": 0.1, "cells": 5}, {"g_max": {"zero"}}),
    Call(
        joint_margin.certified_without_g,
        lambda: {"gamma": 0.05, "distance": 0.1, "cells": 5},
        {"distance": {"zero"}},
    ),
    Call(joint_margin.largest, lambda: {"delta": 0.03, "g_max": 0.1, "step": 0.05}, {"g_max": {"zero"}}),
    Call(
        joint_margin.pieces,
        lambda: {"at": joint_margin.sizes(0.05), "x": Interval(0.5), "tau": 1.5, "push": Interval(0.05)},
    ),
    Call(joint_margin.sizes, lambda: {"gamma": 0.05}),
    Call(joint_steps.found_pieces, lambda: pair(3, 3)),
    Call(joint_steps.matrices, lambda: pair(3, 3)),
    Call(
        joint_steps.slacks,
        lambda: {"W": 0.01 * normal(3, 3), "W_star": -0.01 * normal(3, 3), "gamma": 0.1, "tau": 1.5},
    ),
    Call(linear_part.bounds, lambda: {"gamma": Interval(0.05), "gamma_0": Interval(0.01)}),
    Call(linear_part.split, lambda: pair(3, 3)),
    Call(
        linear_part.slacks,
        lambda: {"W": 0.01 * normal(3, 3), "W_star": -0.01 * normal(3, 3), "gamma": 0.1, "gamma_0": 0.05},
    ),
    Call(
        local_convergence.constants,
        lambda: {"d": 100, "gamma_0": 0.02, "distance": 0.03, "step": None, "noise": 0.0},
        {"noise": {"zero"}},
    ),
    Call(local_convergence.descent, lambda: {**pair(3, 3), "at": local(), "steps": 2, "generator": draws()}),
    Call(both_phases.guarantee, lambda: {"d": 100, "batch": 300, "failure": 0.05}),
    Call(both_phases.steps_to, lambda: {"at": promise(), "near": 0.01, "failure": 0.05}),
    Call(
        both_phases.watch,
        lambda: {
            "W": 1e-4 * unit(100, 100),
            "W_star": -1e-4 * unit(100, 100),
            "step": 1e-4,
            "batch": 10,
            "steps": 1,
            "seeds": [0],
        },
    ),
    Call(curvature.bound, lambda: {"d": 10, "gamma": 0.1, "columns": 0.5}, {"columns": {"zero"}}),
    Call(local_convergence.steps_to, lambda: {"at": local(), "distance": 0.01}),
    Call(minibatch_convergence.constants, lambda: {"d": 10, "gamma_0": 0.02, "distance": 0.03, "batch": 5}),
    Call(minibatch_convergence.noise_moment, lambda: {"d": 10}),
    Call(minibatch_convergence.noise_shares, lambda: {**pair(3, 3), "x": normal(4, 3)}),
    Call(minibatch_convergence.run, lambda: {**pair(3, 3), "at": near(), "steps": 2, "runs": 2}),
    Call(minibatch_convergence.start_within, lambda: {"at": near(), "failure": 0.1}),
    Call(minibatch_convergence.steps_to, lambda: {"at": near(), "start": 0.01, "near": 0.001, "failure": 0.1}),
    Call(main_theorem.corner_starts, lambda: {"d": 100, "gamma_0": 0.001, "least": 0.01}),
    Call(main_theorem.excess, lambda: {"step": 0.01, "d": 9, "gamma": 0.1}),
    Call(
        main_theorem.fall,
        lambda: {"W": [0.1, 0.2, 0.1], "d": 7, "W_star": [0.0, 0.1, 0.0]},
        {"W": {"first zero", "first negative"}, "W_star": {"first zero", "first negative"}},
    ),
    Call(main_theorem.frobenius_norms, lambda: {"dimensions": [3], "generator": draws()}),
    Call(main_theorem.largest_start, lambda: {"gamma": 0.01, "d_least": 100, "d_most": 110}),
    Call(main_theorem.phase_one, lambda: {"gamma": 0.01, "gamma_0": 0.001, "dimensions": [2]}),
    Call(main_theorem.phase_two_radius, lambda: {"d": 9}),
    Call(main_theorem.section_5_2, lambda: {"generator": draws(), "steps": 1, "step": 1e-3, "d": 91}),
    Call(
        main_theorem.section_5_3,
        lambda: {"steps": 1, "step": 1e-3, "d": 103, "frobenius": 2.0, "trace": -3.0},
        {"trace": {"zero", "negative"}},
    ),
    Call(main_theorem.standard_pair, lambda: {"d": 4, "gamma_0": 0.1, "generator": draws()}),
    Call(margin.columns, lambda: pair(3, 3)),
    Call(margin.pieces, lambda: pair(3, 3)),
    Call(margin.slacks, lambda: {"W": 0.01 * normal(3, 3), "W_star": -0.01 * normal(3, 3), "gamma": 0.1}),
    Call(
        margin.smallest_pieces, lambda: {"d": 3, "gamma": 0.01, "starts": 2, "steps": 2, "seed": 1}, {"seed": {"zero"}}
    ),
    Call(minima.descend, lambda: {**pair(3, 3), "iterations": 2}),
    Call(minima.lowest_curvature, lambda: {**pair(3, 3), "tolerance": 0.01}),
    Call(minima.match_columns, lambda: pair(3, 3)),
    Call(naive_gradient.approximation_errors, lambda: pair(2, 3, 3)),
    Call(naive_gradient.naive_gradient, lambda: {"d": 4, "gammas": [0.01, 0.1], "count": 2, "generator": draws()}),
    Call(naive_gradient.pairs, lambda: {"d": 4, "count": 2, "generator": draws()}),
    Call(naive_gradient.skew_factor, lambda: {"d": 7, "size": 1e-6}),
    Call(naive_gradient.terms, lambda: {"d": 4, "gamma": 0.1, "count": 2, "generator": draws()}),
    Call(
        noise_law.against_runs,
        lambda: {"dims": [5], "levels": [0.5], "steps": 2, "seeds": 2, "seed": 1},
        {"seed": {"zero"}},
    ),
    Call(noise_law.largest_steps, lambda: {"dims": [5, 6], "share": 0.2}, {"share": {"zero"}}),
    Call(noise_law.of_the_paper, lambda: {"eta": 0.001, "batch": 4, "d": 5}),
    Call(noisy_descent.bound, lambda: {"T": 9, "alpha": 0.1, "delta": 0.1, "G": 1.0}),
    Call(noisy_descent.descend, lambda: {"setting": quadratic(), "step": 0.1, "T": 2, "runs": 2, "generator": draws()}),
    Call(noisy_descent.enough_steps, lambda: {"T": 9, "alpha": 0.1, "delta": 0.1, "G": 1.0, "D": 1.0}),
    Call(
        noisy_descent.exact_loss,
        lambda: {"d": 3, "noise": 0.1, "delta": 0.1, "generator": draws()},
        {"noise": {"zero"}},
    ),
    Call(
        noisy_descent.lemma_2_5,
        lambda: {"settings": {"one": quadratic()}, "lengths": [9], "alpha": 0.1, "runs": 2, "generator": draws()},
    ),
    Call(
        noisy_descent.quadratic,
        lambda: {"curvatures": torch.tensor([1.0, 2.0], dtype=torch.float64), "noise": 0.1},
        {"noise": {"zero"}},
    ),
    Call(noisy_descent.settings, lambda: {"generator": draws()}),
    Call(noisy_descent.step_size, lambda: {"T": 9, "alpha": 0.1, "delta": 0.1}),
    Call(norm_growth.alternating, lambda: {"d": 4, "k": 2}),
    Call(norm_growth.at_one_column, lambda: {"d": 3}),
    Call(norm_growth.largest_entry, lambda: {"x": normal(4), "y": normal(4), "t": 0.5}, {"t": {"zero"}}),
    Call(norm_growth.largest_growth, lambda: {"d": 4, "steps": 1}, {"steps": {"zero"}}),
    Call(norm_growth.linear_flow, lambda: {"X": normal(3, 3), "t": 0.5}, {"t": {"zero"}}),
    Call(norm_growth.turned_at_one_column, lambda: {"d": 3}),
    Call(norm_growth.worst_pair, lambda: {"x": normal(4), "y": normal(4), "t": 0.5}, {"t": {"zero"}}),
    Call(norm_stays.after, lambda: {"d": 100}),
    Call(norm_stays.certify, lambda: {"theorem": norm_stays.THEOREM}),
    Call(norm_stays.conditions, lambda: {"theorem": norm_stays.THEOREM, "arithmetic": "Arb"}),
    Call(norm_stays.hard_pairs, lambda: {"d": 100}),
    Call(norm_stays.steps_to, lambda: {"at": norm_stays.after(100), "distance": 0.01}),
    Call(
        norm_stays.watch,
        lambda: {
            "W": 1e-5 * normal(100, 100),
            "W_star": 1e-5 * normal(100, 100, seed=1),
            "step": 0.001,
            "steps": 2,
            "generator": draws(),
        },
    ),
]


def flow_arguments():
    return {"W0": normal(2, 3, 3), "W_star": normal(2, 3, 3, seed=2), "t_end": 0.1}


# Name of a public function that takes no argument worth spoiling: why.
EXEMPT = {
    "theory.certificates.main": "takes no arguments",
    "theory.family_certificate.record": "stores a recording in the working tree; its arguments are those of `search`",
    "theory.closed_form.check_array": "a check itself, which the calls with lists of inputs try",
    "theory.detour.detour": "takes half a minute; tests/theory/test_bad_relations.py spoils its arguments",
    "theory.norm_growth.limit": "takes no arguments",
}

CALLS += calls_o_to_z.CALLS
EXEMPT |= calls_o_to_z.EXEMPT
