"""The public calls of `src.experiments`, with arguments that work; see `tests/bad_inputs.py`."""

import inspect
from functools import cache
from pathlib import Path

import numpy as np
import torch

from src.dynamics import sgd
from src.experiments import (
    arrival,
    cifar10,
    datasets,
    deep,
    digit_pairs,
    figure_7,
    figure_8,
    figure_8_family,
    gaps,
    inputs,
    links,
    networks,
    predictions,
    published_weights,
    regression,
    sgd_and_flow,
    small_ball,
    spectral,
    table_1,
    training,
    zero_initialization,
    zero_start,
)
from src.runs import recorded
from tests.bad_inputs import Call
from tests.experiments import blobs
from tests.experiments.patterns import SMALL, patterns

DATA = datasets.data_folder()  # of the official files, which are read where they are there
NOWHERE = Path("/proc/none")  # nothing can be written there
SIZE_FREE = {"fewer rows", "fewer columns", "smaller"}  # legal where images or matrices may have any size
ANY_PIXELS = SIZE_FREE | {"negative"}  # of bytes: another picture


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def numbers(*shape, seed=0, scale=1.0):
    return scale * torch.randn(shape, dtype=torch.float64, generator=generator(seed))


def pixels(*shape):
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator())


def labels(n, classes=10):
    return torch.arange(n) % classes


def start(d=6):
    return numbers(d, d, scale=0.02)


# --- Figure 7 ---------------------------------------------------------------------------------------------------------


def recipe():
    return figure_7.Recipe(eta=0.01, batch=10, epochs=1, vanilla_runs=2, block_epochs=1, seed=0)


@cache
def data():
    # the paper's norms at d = 100 need d of that size
    W, x = start()[None].repeat(2, 1, 1), numbers(40, 6)
    return figure_7.Data(-W[0], W, x, numbers(20, 6, seed=1))


@cache
def students():
    return figure_7.train(data(), recipe(), "cpu")


def student(name="ResLink"):
    return students()[name]


def stored():
    """A recording of the students, as `figure_7.recall` finds it."""
    return figure_7.to_arrays(students())


TRAINED = [
    Call(function, lambda: {"data": data(), "recipe": recipe(), "device": "cpu", "store": False})
    for function in (figure_7.train, figure_7.residual, figure_7.vanilla, figure_7.three_block)
]
FIGURE_7 = [
    *TRAINED,
    Call(figure_7.draw, lambda: {"d": 100, "samples": 5, "samples_test": 4, "runs": 1, "generator": generator()}),
    Call(figure_7.vanilla_teachers, lambda: {"W_star": start()}, {"W_star": {"smaller"}}),
    Call(figure_7.recall, lambda: {"live": students(), "data": data(), "recipe": recipe()}),
    Call(figure_7.to_arrays, lambda: {"students": students()}),
    Call(
        figure_7.from_arrays,
        lambda: {"arrays": stored(), "variance": {name: one.variance for name, one in students().items()}},
    ),
    Call(arrival.arrival, lambda: {"students": students(), "live": students(), "t_per_epoch": 0.04}),
    Call(arrival.decay, lambda: {"student": student(), "t_per_epoch": 0.04}),
    Call(arrival.errors, lambda: {"students": students()}),
    Call(arrival.block_order, lambda: {"students": students()}),
    Call(arrival.same_network, lambda: {"data": data(), "recipe": recipe(), "steps": 2}),
    Call(arrival.bigger, lambda: {"W_start": numbers(2, 4, 4)}, {"W_start": {"smaller"}}),
    Call(
        arrival.training_gradient,
        lambda: {"W": start(), "W_star": -start(), "x": numbers(5, 6)},
        {"x": {"fewer rows"}},
    ),
    Call(
        regression.fit,
        lambda: {
            "student": networks.ThreeBlock(5, 8, generator=generator(2)),
            "teacher": networks.three_block_teacher(numbers(20, 5).float(), generator=generator(1)),
            "samples": numbers(20, 5).float(),
            "eta": 1e-3,
            "batch": 4,
            "steps": 3,
            "generator": generator(3),
            "record_at": [0, 3],
            "evaluate": {"test": numbers(8, 5).float()},
            "checkpoint": None,
        },
        {"record_at": {"first zero"}},
    ),
    Call(
        networks.three_block_teacher,
        lambda: {"samples": numbers(20, 5), "generator": generator()},
        {"samples": SIZE_FREE},
    ),
]


# --- Figure 8 ---------------------------------------------------------------------------------------------------------

SETTING = sgd_and_flow.Setting(d=6, batch=50, eta=0.01, steps=40)


@cache
def history():
    return sgd.train(start(), torch.zeros_like(start()), eta=0.01, batch=50, steps=20, seeds=0)


@cache
def run():
    return sgd_and_flow.whole_run(SETTING, start(), [0, 1], "cpu")


FIGURE_8 = [
    Call(figure_8.first_gradient, lambda: {"W0": start()}, {"W0": {"smaller"}}),
    Call(figure_8.spectral_norm, lambda: {"W": start()}, {"W": {"smaller"}}),
    Call(
        figure_8.start_with_norms,
        lambda: {"d": 20, "spectral": 0.6, "frobenius": 1.0, "trace": -0.5, "generator": generator()},
        {"trace": {"zero", "negative"}},
    ),
    Call(
        figure_8.gaussian_inner,
        lambda: {"W0": start(), "generator": generator(), "draws": 2},
        {"W0": {"smaller"}},
    ),
    Call(
        figure_8.turning,
        lambda: {"t": torch.arange(4), "inner": torch.tensor([-1.0, -0.5, 0.5, 1.0])},
        {"t": {"list", "floats"}, "inner": {"list", "half", "integers"}},
    ),
    Call(figure_8.opening, lambda: {"history": history()}),
    Call(figure_8.phase_one, lambda: {"history": history(), "d": 6, "eta": 0.01}),
    Call(figure_8.entire, lambda: {"run": run()}),
    Call(figure_8.late_rates, lambda: {"history": history()}),
    Call(
        figure_8_family.family,
        lambda: {"d": 9, "frobenius": 1.0, "traces": np.array([-0.5]), "t": np.linspace(0, 1, 5)},
    ),
    Call(
        figure_8_family.trace_that_turns_at,
        lambda: {"traces": np.array([-2.0, -1.0]), "times": np.array([10.0, 20.0]), "when": 15.0},
        {"times": {"NaN"}, "when": {"zero", "negative"}},
    ),
    Call(
        figure_8_family.by_sgd,
        lambda: {"setting": SETTING, "frobenius": 1.0, "traces": [-0.5], "generator": generator(), "seed": 0},
        {"seed": {"zero"}, "traces": {"first zero", "first negative"}},
    ),
    Call(
        sgd_and_flow.scaled,
        lambda: {"d_scaled": 10, "d": 100, "batch": 1000, "eta": 1e-3, "t_end": 2.0},
    ),
    Call(
        sgd_and_flow.scaled_start,
        lambda: {"setting": SETTING, "frobenius": 1.0, "trace": -0.5, "generator": generator()},
        {"trace": {"zero", "negative"}},
    ),
    Call(
        sgd_and_flow.whole_run,
        lambda: {"setting": SETTING, "start": start(), "seeds": [1, 0], "device": "cpu", "record": False},
        {"seeds": {"first zero"}},
    ),
    Call(sgd_and_flow.recorded_runs, lambda: {"folder": recorded.FOLDER}, {"folder": {"None"}}),
    Call(sgd_and_flow.parting, lambda: {"run": run()}),
    Call(
        sgd_and_flow.decays,
        lambda: {
            "starts": start()[None],
            "batches": [50],
            "levels": [0.1],
            "seeds": [1],
            "window": (1.0, 9.0),
        },
        {"starts": {"smaller"}, "seeds": {"first zero"}, "window": {"first zero"}},
    ),
]


# --- Section 5.1 ------------------------------------------------------------------------------------------------------


def net(seed=0, skip=2):
    return networks.CifarNet(skip, generator=generator(seed), depth=1, width=2, classes=10)


def errors(*values):
    return np.array(values)


NO_RUN = {"empty"}  # legal: a network that was not trained yet
TINY = table_1.Recipe(epochs=1, schedule="steps", precision="float32", batch=8)
DIGITS = deep.Digits("noise", numbers(20, 1, 8, 8).float(), labels(20), numbers(10, 1, 8, 8).float(), labels(10))
TABLE_1 = [
    Call(
        gaps.gap,
        lambda: {"worse": errors(9.0, 9.1), "better": errors(8.0, 8.1)},
        {"worse": NO_RUN, "better": NO_RUN},
    ),
    Call(
        gaps.order,
        lambda: {"errors": dict.fromkeys(("ResNet", "single skip", "vanilla"), errors(9.0, 9.1)), "he": True},
    ),
    Call(gaps.described, lambda: {"errors": errors(9.0, 9.1)}, {"errors": NO_RUN}),
    Call(links.chain, lambda: {"network": net()}),
    Call(links.jumps, lambda: {"network": net()}),
    Call(links.links, lambda: {"residual": net(), "single": net(skip=1), "vanilla": net(skip=0)}),
    Call(links.size, lambda: {"network": net(), "image": (3, 8, 8)}),
    Call(networks.resnet56, lambda: {"generator": generator()}, {"generator": {"None"}}),
    Call(networks.single_skip56, lambda: {"generator": generator()}, {"generator": {"None"}}),
    Call(networks.vanilla56, lambda: {"generator": generator()}, {"generator": {"None"}}),
    Call(published_weights.renamed, lambda: {"state": {"module.x": torch.zeros(2)}}),
    Call(published_weights.standardised, lambda: {"images": pixels(2, 3, 8, 8)}, {"images": ANY_PIXELS}),
    Call(
        published_weights.evaluate,
        lambda: {
            "network": net(),
            "images": datasets.Images("few", pixels(4, 3, 8, 8), labels(4), pixels(4, 3, 8, 8), labels(4)),
        },
        {"images": {"None"}},
    ),
    Call(
        table_1.find,
        lambda: {"network": "vanilla56", "seed": 0, "recipe": TINY, "folder": NOWHERE},
        {"seed": {"zero"}, "folder": {"None"}},
    ),
    Call(
        table_1.collect,
        lambda: {"seeds": [1], "recipe": TINY, "train": False, "folder": NOWHERE, "device": "cpu"},
        {"seeds": {"first zero"}, "folder": {"None"}},
    ),
    Call(table_1.missing, lambda: {"recipe": TINY, "folder": NOWHERE}, {"folder": {"None"}}),
    Call(table_1.errors, lambda: {"runs": {"ResNet": {}}}),
    Call(
        table_1.evaluated_otherwise,
        lambda: {"recordings": [recorded.load("mnist_spectral_norm")]},
        {"recordings": {"empty"}},
    ),
    Call(
        table_1.schedule,
        lambda: {"optimizer": torch.optim.SGD(net().parameters(), 0.1), "recipe": TINY, "steps_per_epoch": 4},
    ),
    Call(table_1.standardised, lambda: {"images": pixels(2, 3, 8, 8)}, {"images": ANY_PIXELS}),
    Call(
        table_1.crop_and_flip,
        lambda: {"images": numbers(2, 3, 8, 8), "generator": generator()},
        {"images": SIZE_FREE},
    ),
    Call(
        deep.through_depth,
        lambda: {"skip": 0, "generator": generator(), "x": numbers(2, 1, 8, 8).float(), "y": labels(2)},
        {"skip": {"zero"}, "x": SIZE_FREE},
    ),
    Call(
        deep.profiles,
        lambda: {"skip": 0, "seed": 1, "starts": 1, "x": numbers(2, 1, 8, 8).float(), "y": labels(2)},
        {"skip": {"zero"}, "seed": {"zero"}, "x": SIZE_FREE},
    ),
    Call(deep.growth, lambda: {"norms": np.array([4.0, 2.0, 1.0]), "layers": 2}),
    Call(
        deep.plain_growth,
        lambda: {"generator": generator(), "width": 8, "images": 8, "layers": 3, "activation": torch.relu},
    ),
    Call(
        deep.learn,
        lambda: {"skip": 2, "data": DIGITS, "seed": 1, "depth": 1, "width": 2, "epochs": 1, "precision": None},
        {"skip": {"zero"}, "seed": {"zero"}},
    ),
]


# --- Sections 5.4 and 5.5 ---------------------------------------------------------------------------------------------


def task(n=20, d=6):
    return numbers(n, d), labels(n, 3)


def network():
    return networks.BlockMLP(6, 3, generator(), blocks=2).double()


def training_arguments():
    model, (x, y) = network(), task()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return {
        "model": model,
        "inputs": x,
        "labels": y,
        "optimizer": optimizer,
        "epochs": 1,
        "batch": 10,
        "seed": 1,
        "evaluate": {"test": task()},
        "augment": lambda inputs, generator: inputs,
        "scheduler": torch.optim.lr_scheduler.StepLR(optimizer, 1),
        "precision": None,
        "checkpoint": None,
        "progress": False,
    }


OPTIONAL = {name: {"None"} for name in ("evaluate", "augment", "scheduler")}
IMAGES = patterns(40)
RUN = {"images": IMAGES, "epochs": 1, "choices": SMALL, "device": "cpu"}
PAIRED = zero_start.Paired(np.array([2.0, 2.1]), np.array([1.9, 2.2]), -0.3, 0.2)
PART = {"x": numbers(20, 6), "y": labels(20, 2).bool()}
SEARCH = {"batch": 10, "loss": "hinge", "margin": 0.5}


def parts():
    return {"train": (PART["x"], PART["y"]), "test": (PART["x"], PART["y"]), "generator": generator()} | SEARCH


@cache
def live():
    return blobs.live(n=40)


def many():
    return {"method": spectral.frank_wolfe, "sets": blobs.sets(40), "seed": 1}


def spectral_norm():
    return recorded.load("mnist_spectral_norm")


CLASSIFIERS = [
    Call(training.train, training_arguments, {"epochs": {"zero"}, "seed": {"zero"}, **OPTIONAL}),
    Call(training.error, lambda: {"model": network(), "inputs": task()[0], "labels": task()[1]}),
    Call(training.usable, lambda: {"precision": None, "device": "cpu"}),
    Call(
        zero_initialization.learn,
        lambda: {**RUN, "start": "zero", "seed": 1, "identity": True, "checkpoint": None},
        {"epochs": {"zero"}, "seed": {"zero"}},
    ),
    Call(
        zero_initialization.both_starts,
        lambda: {**RUN, "seeds": [1], "identity": True, "keep": None},
        {"epochs": {"zero"}, "seeds": {"first zero"}},
    ),
    Call(
        zero_initialization.sensitivity,
        lambda: {**RUN, "seeds": [1]},
        {"epochs": {"zero"}, "seeds": {"first zero"}},
    ),
    Call(
        predictions.zero_start,
        lambda: {"d": 5, "starts": 1, "t": 1.0, "blocks": numbers(2, 4, 4), "generator": generator()},
        {"blocks": {"smaller"}},
    ),
    Call(zero_start.paired, lambda: {"test_error": np.array([[[0.9, 0.2], [0.9, 0.1]], [[0.9, 0.1], [0.9, 0.3]]])}),
    Call(zero_start.errors, lambda: {"pairs": [PAIRED]}),
    Call(
        zero_start.first_gradients,
        lambda: {"x": numbers(10, 6), "y": labels(10), "start": "zero", "seed": 1, "choices": SMALL, "identity": True},
        {"x": {"fewer columns"}, "seed": {"zero"}},
    ),
    Call(
        zero_start.without_links,
        lambda: {**RUN, "seed": 1},
        {"epochs": {"zero"}, "seed": {"zero"}},
    ),
    Call(zero_start.compared, lambda: {"recording": recorded.load("mnist_sensitivity")}),
    Call(spectral.output, lambda: {"x": numbers(5, 4), "W": numbers(4, 4)}, {"x": {"fewer rows"}}),
    Call(spectral.project, lambda: {"W": start(), "radius": 0.01}, {"W": {"smaller", "empty"}}),
    Call(spectral.polar, lambda: {"G": start()}, {"G": {"smaller"}}),
    Call(spectral.frank_wolfe, lambda: {**parts(), "radii": [0.1, 0.2], "steps": 1}),
    Call(
        spectral.projected_sgd,
        lambda: {**parts(), "radius": 0.1, "step": 0.1, "momentum": 0.9, "steps": 2, "every": 1},
        {"momentum": {"zero"}},
    ),
    Call(
        digit_pairs.errors_at_zero,
        lambda: {"images": pixels(20, 4, 4), "labels": labels(20)},
        {"images": ANY_PIXELS},
    ),
    Call(digit_pairs.standardised, lambda: {"images": IMAGES}),
    Call(digit_pairs.train, lambda: many() | {"pair": (1, 0)}, {"seed": {"zero"}}),
    Call(digit_pairs.every, lambda: many() | {"pairs": [(1, 0)]}, {"seed": {"zero"}}),
    Call(
        digit_pairs.every_error,
        lambda: many() | {"pairs": [(1, 0)], "checkpoint": None, "progress": False},
        {"seed": {"zero"}},
    ),
    Call(digit_pairs.radii, lambda: {"recording": spectral_norm()}),
    Call(
        digit_pairs.added_weights,
        lambda: {"sets": blobs.sets(40), "live": live(), "pairs": [(0, 1)]},
        {"pairs": {"first first zero"}},  # it is zero
    ),
    Call(small_ball.at_zero, lambda: {"recording": spectral_norm()}),
    Call(small_ball.column, lambda: {"recording": spectral_norm()}),
    Call(small_ball.figures, lambda: {"recording": spectral_norm()}),
    Call(small_ball.in_ball, lambda: {"recording": spectral_norm(), "live": live()}),
    Call(small_ball.average_norm, lambda: {"recording": spectral_norm(), "tiny": live()}),
]

for call in CLASSIFIERS:  # the methods' own settings
    if call.function in (digit_pairs.train, digit_pairs.every, digit_pairs.every_error):
        call.arguments = (lambda given: lambda: given() | blobs.SETTINGS | {"batch": 10})(call.arguments)


# --- Data -------------------------------------------------------------------------------------------------------------

FILES = [
    Call(datasets.mnist, lambda: {"which": "embedded", "folder": DATA}, {"folder": {"None"}}),
    Call(datasets.data_folder, lambda: {"folder": DATA}, {"folder": {"None"}}),
    Call(
        datasets.standardised,
        lambda: {"images": pixels(3, 4, 4), "mean": 0.1, "std": 0.3, "dtype": torch.float32},
        {"images": ANY_PIXELS, "mean": {"zero", "negative"}},
    ),
    Call(
        datasets.pair,
        lambda: {"inputs": numbers(6, 3), "labels": labels(6), "a": 1, "b": 2},
        {"inputs": {"fewer columns", "integers"}, "a": {"zero"}, "b": {"zero"}},
    ),
    Call(
        cifar10.digest,
        lambda: {"pixels": pixels(3, 5).numpy(), "labels": labels(3).numpy()},
    ),
]

CALLS = [*FIGURE_7, *FIGURE_8, *TABLE_1, *CLASSIFIERS, *FILES]
_NONE, _LONG, _CHECK = "takes no argument", "trains or stores what a test of its own does", "is itself a check"
_BOOLS, _FILES = "takes bools, see test_spectral.py", "takes files, see the tests of its module"
EXEMPT = {
    "deep.digits": _NONE,
    "search_budget.find": _NONE,
    "search_budget.main": _NONE,
    "table_1.main": _NONE,
    "zero_initialization.main": _NONE,
    "zero_start.recipe": _NONE,
    "deep.record_precisions": _LONG,
    "digit_pairs.record": _LONG,
    "search_budget.reached": _LONG,
    "search_budget.record": _LONG,
    "table_1.run": _LONG,
    "zero_initialization.record": _LONG,
    "zero_initialization.record_family": _LONG,
    "zero_initialization.record_recipe": _LONG,
    "spectral.best_threshold": _BOOLS,
    "spectral.error": _BOOLS,
    "cifar10.read": _FILES,
    "datasets.cifar10": _FILES,
    "downloads.download": _FILES,
    "pickles.said": _FILES,
    "published_weights.load": _FILES,
    "datasets.check_images": _CHECK,
    "digit_pairs.trained": _CHECK,
} | {f"inputs.{name}": _CHECK for name in vars(inputs) if inspect.isfunction(getattr(inputs, name))}
EXEMPT = {f"experiments.{name}": why for name, why in EXEMPT.items()}
