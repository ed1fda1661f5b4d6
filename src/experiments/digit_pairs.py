"""Section 5.5: the 45 pairs of MNIST's digits told apart by `spectral`."""

from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from src.checks import SEED, arguments, check_value, optional
from src.experiments import datasets, inputs, spectral
from src.runs import checkpoints, recorded
from src.threads import limited

PAIRS = list(combinations(range(10), 2))
RADIUS = 0.6  # the paper's ‖W‖₂
SCALINGS = {  # f(x, 0) of a pixel p = 0 ... 255, up to a factor that moves no error, in whole numbers
    "pixels in [0, 1]": lambda p: p,
    "mean 0.1307, std 0.3081": lambda p: (10_000 * p - 333_285).clamp(min=0),
    "pixels in [−1, 1]": lambda p: (2 * p - 255).clamp(min=0),
}
RECORDED = {  # the settings of the recorded run, on full MNIST
    spectral.frank_wolfe: {
        "radii": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
        "steps": 2,
        "batch": 2000,
        "loss": "logistic",
        "margin": 0.2,
    },
    spectral.projected_sgd: {
        "radius": 0.6,
        "step": 0.02,
        "momentum": 0.9,
        "steps": 72,
        "batch": 500,
        "every": 12,
        "loss": "logistic",
        "margin": 0.3,
    },
}


def trained(name, value):
    """A dict of `spectral.Trained` by pair of digits, one at least: for `checks.arguments`."""
    check_value(name, value, dict)
    if not value:
        raise ValueError(f"{name} must hold a pair of digits at least")
    for pair, entry in value.items():
        inputs.pair(f"every key of {name}", pair)
        check_value(f"{name}[{pair}]", entry, spectral.Trained)


_MANY = {"method": callable, "sets": inputs.sets, "pairs": inputs.pairs, "seed": SEED}


@arguments(images=inputs.data("[n, h, ...]", inputs.PIXELS))
def errors_at_zero(images, labels):
    """The exact training error at W = 0, a fraction, of every scaling and pair of digits: float64 [3, 45].

    images: uint8 [n, 28, 28]; labels: int64 [n]. Pixels are whole numbers, so that nothing is rounded.
    """
    inputs.check_labels("labels", labels, images, of="images", classes=inputs.CLASSES)
    ink = [scale(images.flatten(1).long()).sum(1) for scale in SCALINGS.values()]
    return np.array([[spectral.best_threshold(*datasets.pair(f, labels, *p)).error for p in PAIRS] for f in ink])


@arguments(images=datasets.check_images)
def standardised(images):
    """The training and the test set of `datasets.Images`, each as float32 inputs [n, 784] and labels [n]."""
    return (
        (datasets.standardised(images.train_images), images.train_labels),
        (datasets.standardised(images.test_images), images.test_labels),
    )


@arguments(method=callable, sets=inputs.sets, pair=inputs.pair, seed=SEED)
def train(method, sets, pair, seed, **settings):
    """One W for one pair of digits: the `spectral.Trained` of `method`, `frank_wolfe` or `projected_sgd`.

    sets: training and test set, each inputs [n, d] and class labels [n]. settings: the method's own.
    """
    on, test = (datasets.pair(*part, *pair) for part in sets)
    with limited(1):  # singular values of 784 x 784 matrices gain nothing from a second thread
        return method(on, test, generator=torch.Generator().manual_seed(seed), **settings)


@arguments(**_MANY)
def every(method, sets, pairs, seed, **settings):
    """{pair: `train` of it} for all `pairs`."""
    return {tuple(pair): train(method, sets, pair, seed, **settings) for pair in pairs}


@arguments(**_MANY, progress=bool)
def every_error(method, sets, pairs, seed, *, checkpoint=None, progress=False, **settings):
    """As `every`, but only what is recorded of it, and it can be interrupted.

    checkpoint: a file that keeps the pairs already done. Returns a dict of numpy arrays: `train`, `refitted`, `test`
    and `norm` [P, R + 1] as in `spectral.Trained`, `seconds` [P].
    """

    def one(*pair):
        path = train(method, sets, pair, seed, **settings)
        found = {name: getattr(path, name) for name in ("train", "refitted", "test", "norm")}
        return found | {"seconds": torch.tensor(path.seconds)}

    done = checkpoints.one_by_one(
        one, pairs, path=checkpoint, module=__name__, label=method.__name__ if progress else "",
        method=method, sets=sets, seed=seed, **settings,
    )  # fmt: skip
    return {name: torch.stack([found[name] for found in done]).numpy() for name in done[0]}


def _methods(name, value):
    """A dict of settings by method."""
    check_value(name, value, dict)
    for method, settings in value.items():
        check_value(f"every key of {name}", method, callable)
        check_value(f"every entry of {name}", settings, dict)


@arguments(
    images=datasets.check_images,
    seed=SEED,
    methods=_methods,
    pairs=inputs.pairs,
    keep=optional(Path),
    folder=optional(inputs.path),
)
def record(images, seed, *, methods=RECORDED, pairs=PAIRS, keep=None, folder=None):
    """Train all pairs of digits by both methods and store the recording mnist_spectral_norm in `folder`.

    images: `datasets.Images`; keep: a folder for checkpoints, default: none are kept. Returns the recording's path.
    """
    run = recorded.Recorder(
        "mnist_spectral_norm",
        __name__,
        parameters={method.__name__: settings for method, settings in methods.items()},
        seeds=[seed],
        folder=folder,
    )
    sets = standardised(images)
    arrays = {"pairs": np.array(pairs), "at_zero": errors_at_zero(images.train_images, images.train_labels)}
    for method, settings in methods.items():
        checkpoint = keep and keep / f"section_5_5_{method.__name__}.pt"
        result = every_error(method, sets, pairs, seed, checkpoint=checkpoint, progress=True, **settings)
        arrays |= {f"{method.__name__}_{name}": values for name, values in result.items()}
    return run.save(
        arrays,
        wall_time=sum(arrays[f"{method.__name__}_seconds"].sum() for method in methods),
        timing="wall_time is the processor time of training, evaluations left out",
        data=images.name,
    )


@arguments(recording=recorded.Recording)
def radii(recording):
    """The allowed norms of the recorded conditional gradient, one for each column of its arrays: 0, then the balls."""
    return np.array([0.0, *recording.provenance["parameters"]["frank_wolfe"]["radii"]])


@arguments(sets=inputs.sets, live=trained, pairs=inputs.pairs)
def added_weights(sets, live, pairs):
    """{pair: what W adds to the weight of each pixel in f, [d]}: W times the mean activity over the training images.

    Near an input f is linear in it, with weights (I + W) a, where a_j is 1 for the units that are on and 0 else.
    sets, live: as in `every`, and its result.
    """
    pairs = [tuple(p) for p in pairs]
    if lacking := [p for p in pairs if p not in live]:
        raise ValueError(f"pairs must be among those of live; {lacking[0]} is not")
    x, weights = {p: datasets.pair(*sets[0], *p)[0] for p in pairs}, {p: live[p].W[-1] for p in pairs}
    return {p: W @ ((x[p] + x[p] @ W) > 0).to(W).mean(0) for p, W in weights.items()}
