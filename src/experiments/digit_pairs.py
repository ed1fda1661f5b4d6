"""Section 5.5: the 45 pairs of MNIST's digits told apart by `spectral`."""

from itertools import combinations

import numpy as np
import torch
from tqdm import tqdm

from src.experiments import datasets, spectral
from src.runs import checkpoints, recorded

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


def errors_at_zero(images, labels):
    """The exact training error at W = 0, a fraction, of every scaling and pair of digits: float64 [3, 45].

    images: uint8 [n, 28, 28]; labels: int64 [n]. Pixels are whole numbers, so that nothing is rounded.
    """
    ink = [scale(images.flatten(1).long()).sum(1) for scale in SCALINGS.values()]
    return np.array([[spectral.best_threshold(*datasets.pair(f, labels, *p)).error for p in PAIRS] for f in ink])


def standardised(images):
    """The training and the test set of `datasets.Images`, each as float32 inputs [n, 784] and labels [n]."""
    return (
        (datasets.standardised(images.train_images), images.train_labels),
        (datasets.standardised(images.test_images), images.test_labels),
    )


def train(method, sets, pair, seed, **settings):
    """One W for one pair of digits: the `spectral.Trained` of `method`, `frank_wolfe` or `projected_sgd`.

    sets: training and test set, each inputs [n, d] and class labels [n]. settings: the method's own.
    """
    on, test = (datasets.pair(*part, *pair) for part in sets)
    return method(on, test, generator=torch.Generator().manual_seed(seed), **settings)


def every(method, sets, pairs, seed, **settings):
    """{pair: `train` of it} for all `pairs`."""
    return {pair: train(method, sets, pair, seed, **settings) for pair in pairs}


def every_error(method, sets, pairs, seed, *, checkpoint=None, progress=False, **settings):
    """As `every`, but only what is recorded of it, and it can be interrupted.

    checkpoint: a file that keeps the pairs already done. Returns a dict of numpy arrays: `train`, `refitted`, `test`
    and `norm` [P, R + 1] as in `spectral.Trained`, `seconds` [P].
    """
    run = repr((method.__name__, len(sets[0][1]), seed, sorted(settings.items())))
    saved = checkpoints.load(checkpoint, run)
    done = saved["pairs"] if saved else {}
    for pair in tqdm(pairs, desc=method.__name__, leave=False, disable=None if progress else True):
        if pair in done:
            continue
        path = train(method, sets, pair, seed, **settings)
        done[pair] = {name: getattr(path, name) for name in ("train", "refitted", "test", "norm")}
        done[pair]["seconds"] = torch.tensor(path.seconds)
        if checkpoint is not None:
            checkpoints.save(checkpoint, run, {"pairs": done})
    return {name: torch.stack([done[pair][name] for pair in pairs]).numpy() for name in done[pairs[0]]}


def record(images, seed, *, methods=RECORDED, pairs=PAIRS, keep=None, folder=None):
    """Train all pairs of digits by both methods and store the recording mnist_spectral_norm in `folder`.

    images: `datasets.Images`; keep: a folder for checkpoints, default: none are kept. Returns the recording's path.
    """
    sets = standardised(images)
    arrays = {"pairs": np.array(pairs), "at_zero": errors_at_zero(images.train_images, images.train_labels)}
    for method, settings in methods.items():
        checkpoint = keep and keep / f"section_5_5_{method.__name__}.pt"
        result = every_error(method, sets, pairs, seed, checkpoint=checkpoint, progress=True, **settings)
        arrays |= {f"{method.__name__}_{name}": values for name, values in result.items()}
    return recorded.save(
        "mnist_spectral_norm",
        arrays,
        parameters={method.__name__: settings for method, settings in methods.items()},
        seeds=[seed],
        device="cpu",
        wall_time=sum(arrays[f"{method.__name__}_seconds"].sum() for method in methods),
        folder=folder,
        timing="wall_time is the processor time of training, evaluations left out",
        data=images.name,
    )


def radii(recording):
    """The allowed norms of the recorded conditional gradient, one for each column of its arrays: 0, then the balls."""
    return np.array([0.0, *recording.provenance["parameters"]["frank_wolfe"]["radii"]])


def added_weights(sets, live, pairs):
    """{pair: what W adds to the weight of each pixel in f, [d]}: W times the mean activity over the training images.

    Near an input f is linear in it, with weights (I + W) a, where a_j is 1 for the units that are on and 0 else.
    sets, live: as in `every`, and its result.
    """
    inputs, weights = {p: datasets.pair(*sets[0], *p)[0] for p in pairs}, {p: live[p].W[-1] for p in pairs}
    return {p: W @ ((inputs[p] + inputs[p] @ W) > 0).to(W).mean(0) for p, W in weights.items()}
