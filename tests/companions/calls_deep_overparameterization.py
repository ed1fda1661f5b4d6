"""The public calls on deep ReLU networks; see `tests/bad_inputs.py`."""

import torch

from src.companions import deep_overparameterization, deep_relu, deep_variations, depth_maps, overparameterization
from tests.bad_inputs import Call


def draws():
    return torch.Generator().manual_seed(0)


def inputs():
    return overparameterization.sphere(4, 3, draws())


def weights():
    return torch.linspace(-1, 1, 4, dtype=torch.float64)


def data():
    return deep_relu.random_labels(4, 3, draws())


def begin():
    return deep_relu.start(3, 5, 2, draws())


def run():
    return deep_relu.train(begin(), data(), "logistic", 0.5, 0.5, 3)


FEWER = {"X": {"fewer rows"}}
TRAIN = {"loss": "logistic", "eta": 0.5, "target": 0.01, "most": 3}
SIZE = {"n": 4, "d": 3, "width": 5, "seeds": [0], "target": 0.01, "most": 3}
SEEDS = {"seeds": {"first zero"}}

CALLS = [
    Call(deep_relu.check_network, lambda: {"network": begin(), "X": inputs()}, FEWER),
    Call(deep_relu.gradients, lambda: {"network": begin(), "X": inputs(), "s": weights()}),
    Call(deep_relu.gram, lambda: {"network": begin(), "X": inputs()}, FEWER),
    Call(deep_relu.layers, lambda: {"network": begin(), "X": inputs()}, FEWER),
    Call(deep_relu.output, lambda: {"network": begin(), "X": inputs()}, FEWER),
    Call(deep_relu.problem, lambda: {"X": inputs(), "y": data().y}),
    Call(deep_relu.random_labels, lambda: {"n": 4, "d": 3, "generator": draws()}),
    Call(deep_relu.spectral_norm, lambda: {"W": inputs()}, {"W": {"fewer rows", "fewer columns", "smaller"}}),
    Call(
        deep_relu.start,
        lambda: {
            "d": 3,
            "width": 5,
            "layers": 2,
            "generator": draws(),
            "variance": 2.0,
            "kind": "Gaussian",
            "precision": "float64",
        },
    ),
    Call(
        deep_relu.train,
        lambda: {"begin": begin(), "data": data(), **TRAIN, "generator": draws()},
        {"generator": {"None"}},
    ),
    Call(deep_relu.two_inputs, lambda: {"theta": 0.5}, {"theta": {"zero"}}),
    Call(depth_maps.angles, lambda: {"theta": 0.5, "layers": 2}, {"theta": {"zero"}}),
    Call(depth_maps.cosine, lambda: {"rho": 0.5}, {"rho": {"zero", "negative"}}),
    Call(depth_maps.kernel, lambda: {"X": inputs(), "layers": 2}, FEWER),
    Call(depth_maps.least, lambda: {"X": inputs(), "layers": 2}, FEWER),
    Call(depth_maps.least_of_two, lambda: {"theta": 0.5, "layers": 2}, {"theta": {"zero"}}),
    Call(
        depth_maps.limit,
        lambda: {"data": data(), "layers": 2, "outputs": weights(), **TRAIN},
    ),
    Call(depth_maps.next_angle, lambda: {"theta": 0.5}, {"theta": {"zero"}}),
    Call(depth_maps.one_unit, lambda: {"theta": 0.5, "draws": 3, "generator": draws()}, {"theta": {"zero"}}),
    Call(depth_maps.parts, lambda: {"X": inputs(), "layers": 2}, FEWER),
    Call(depth_maps.steps_of_two, lambda: {"theta": 0.5, "layers": 2, "eta": 0.5, "target": 0.1}),
    Call(
        deep_overparameterization.allowed,
        lambda: {"gained": 1.0, "mu": 0.1, "kappa": 0.5, "eta": 0.5, "steepness": 0.1, "width": 5},
    ),
    Call(
        deep_overparameterization.family,
        lambda: {
            "n": 4,
            "d": 3,
            "layers": 2,
            "widths": [5, 6],
            "seeds": [0, 1],
            "eta": 0.5,
            "target": 0.01,
            "most": 3,
            "precision": "float32",
        },
        SEEDS,
    ),
    Call(
        deep_overparameterization.least_around,
        lambda: {"begin": begin(), "end": run().network, "X": inputs(), "generator": draws()},
        FEWER,
    ),
    Call(deep_overparameterization.margins, lambda: {"losses": torch.tensor([0.5, 0.2]), "loss": "logistic"}),
    Call(deep_overparameterization.path, lambda: {"run": run(), "loss": "logistic", "eta": 0.5}),
    Call(deep_variations.depth, lambda: {"layers": 2, **SIZE}, SEEDS),
    Call(deep_variations.losses, lambda: {"layers": 2, "pace": 0.5, **SIZE}, SEEDS),
    Call(
        deep_variations.separation,
        lambda: {
            "angles": [0.5],
            "width": 5,
            "layers": 2,
            "seeds": [0],
            "eta": 0.5,
            "target": 0.01,
            "most": 3,
        },
        SEEDS | {"angles": {"first zero"}},
    ),
    Call(deep_variations.starts, lambda: {"depths": [2], "eta": 0.5, **SIZE}, SEEDS),
]

EXEMPT = {}
