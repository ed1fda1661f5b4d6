"""The public calls on wide networks; see `tests/bad_inputs.py`."""

import numpy as np
import torch

from src.companions import lazy_theorem, lazy_training, overparameterization, wide_networks
from tests.bad_inputs import Call


def draws():
    return torch.Generator().manual_seed(0)


def inputs():
    return overparameterization.sphere(4, 3, draws())


def labels():
    return torch.linspace(-1, 1, 4, dtype=torch.float64)


def begin():
    return lazy_training.start(inputs(), labels(), 5, draws())


def square():
    return overparameterization.kernel(inputs())


FEWER = {"X": {"fewer rows"}}
SIZES = {"n": 4, "d": 3, "generator": draws()}
CONSTANTS = {"n": 4, "lambda_0": 0.25, "p": 0.25}
ROUND = {"eta": {"infinite"}}
FAMILY = {"n": 4, "d": 3, "widths": [5, 6], "seeds": [0, 1], "steps": 20, "pace": 0.5}

CALLS = [
    Call(overparameterization.angles, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.asked_width, lambda: CONSTANTS),
    Call(overparameterization.check_inputs, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.examine, lambda: {"name": "one", "X": inputs()}, FEWER | {"name": {"unknown", "empty"}}),
    Call(overparameterization.kernel, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.least, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.least_of_two, lambda: {"theta": 0.5}, {"theta": {"zero"}}),
    Call(overparameterization.limit_ratio, lambda: {"eta": 0.5, "lambda_0": 0.25}),
    Call(
        overparameterization.movement_bound,
        lambda: {"n": 4, "width": 9.0, "lambda_0": 0.25, "residual": 1.0, "flow": True},
        {"residual": {"zero"}},
    ),
    Call(overparameterization.null_dimension, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.output_covariance, lambda: {"X": inputs()}, FEWER),
    Call(overparameterization.promised_ratio, lambda: {"eta": 0.5, "lambda_0": 0.25}),
    Call(overparameterization.radius, lambda: CONSTANTS),
    Call(overparameterization.sets, lambda: {"d": 3, "generator": draws()}),
    Call(overparameterization.sphere, lambda: SIZES),
    Call(overparameterization.sufficient_width, lambda: {**CONSTANTS, "size": 1.0, "flow": True}, {"size": {"zero"}}),
    Call(overparameterization.three_pairs, lambda: {"tilt": 0.5}, {"tilt": {"zero"}}),
    Call(lazy_training.expected_movement, lambda: {"X": inputs(), "y": labels()}),
    Call(
        lazy_training.flip_constant,
        lambda: {"X": inputs(), "residuals": square()[:2], "eta": 0.1, "draws": 3, "generator": draws()},
        {"residuals": {"fewer rows"}},
    ),
    Call(lazy_training.gram, lambda: {"begin": begin(), "Z": begin().Z}, {"Z": {"fewer columns"}}),
    Call(lazy_training.linear_residuals, lambda: {"H": square(), "residual": labels(), "eta": 0.1, "steps": 2}),
    Call(
        lazy_training.predict,
        lambda: {"begin": begin(), "H": square(), "eta": 0.1, "steps": 2, "draws": 3, "generator": draws()},
    ),
    Call(lazy_training.problem, lambda: SIZES),
    Call(
        lazy_training.start,
        lambda: {"X": inputs(), "y": labels(), "width": 5, "generator": draws(), "precision": "float64"},
    ),
    Call(lazy_training.train, lambda: {"begin": begin(), "eta": 0.1, "steps": 2}),
    Call(
        lazy_training.weights, lambda: {"X": inputs(), "Z": begin().Z}, {"X": {"fewer columns"}, "Z": {"fewer columns"}}
    ),
    Call(lazy_theorem.proof_steps, lambda: {"begin": begin(), "eta": 0.1, "steps": 2}),
    Call(
        lazy_theorem.regime,
        lambda: {"size": 0.1, "p": 0.3, "starts": 1, "generator": draws(), "flow": False},
        {"size": {"zero"}},
    ),
    Call(
        lazy_theorem.theorem,
        lambda: {
            "n": 2,
            "width": 9,
            "steps": 2,
            "size": 0.1,
            "p": 0.3,
            "starts": 1,
            "generator": draws(),
            "flow": False,
        },
        {"size": {"zero"}},
    ),
    Call(
        wide_networks.close_pair, lambda: {"theta": 2.0, "widths": [5, 6], "seeds": [0, 1]}, {"seeds": {"first zero"}}
    ),
    Call(
        wide_networks.exponent, lambda: {"widths": np.array([1.0, 2.0]), "values": np.array([[1.0, 2.0], [2.0, 3.0]])}
    ),
    Call(
        wide_networks.family,
        lambda: {**FAMILY, "precision": "float32", "draws": 2, "folder": None, "workers": 0},
        {"seeds": {"first zero"}, "workers": {"None", "zero"}},
    ),
    Call(wide_networks.in_plane, lambda: {"n": 3, "width": 5, "steps": 2, "generator": draws()}),
]

EXEMPT = {
    "companions.lazy_training.check_size": "a check of arguments itself",
    "companions.lazy_training.descent": "a generator, whose arguments are checked at its first step",
    "companions.wide_networks.record": "its arguments are those of `family`; it would write into the book",
    "companions.wide_networks.recording": "it has no argument but the folder, which `recorded.load` checks",
}
