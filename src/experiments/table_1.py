"""The runs of Table 1: three 56-layer networks on CIFAR-10, one run for each network and seed.

    python -m src.experiments.table_1 he                                      every missing run, one after the other
    python -m src.experiments.table_1 short --networks vanilla56 --seeds 3    one run of the short recipe

A run writes a checkpoint after every epoch and goes on from it when it is started again; its result is a recording of
its own, and a run that has one is not repeated. Runs of different networks and seeds can go on side by side.
"""

import argparse
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn.functional import pad
from torch.optim.lr_scheduler import MultiStepLR, OneCycleLR

from src import checks
from src.experiments import datasets, inputs, networks, training
from src.runs import recorded


class Row(NamedTuple):
    """A network of Table 1."""

    network: str  # key of NETWORKS
    skip: int  # layers that an identity link jumps over; 0: no links
    error: float  # the paper's test error in per cent, mean of five runs


ROWS = {
    "ResNet": Row("resnet56", 2, 6.97),
    "single skip": Row("single_skip56", 1, 9.01),
    "vanilla": Row("vanilla56", 0, 12.04),
}
NETWORKS = {"resnet56": networks.resnet56, "single_skip56": networks.single_skip56, "vanilla56": networks.vanilla56}
SEEDS = range(5)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the training pixels over 255, channel by channel
CROP_PADDING = 4
EVALUATION = "float32"  # of test errors; recordings that do not say so took them in the precision of the training


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: SGD with momentum on the cross-entropy, images padded, cropped and flipped.

    schedule: "steps" divides the step size by 10 after half and three quarters of the minibatches; "one-cycle" raises
    it from step / 10 during the first fifth of them and then lowers it to nearly zero, both along cosines.
    precision: "float32", or "bfloat16" for the convolutions' arithmetic in training (weights and batch norm's means
    stay float32, and test errors are taken in float32).
    """

    epochs: int
    schedule: str
    precision: str
    step: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    batch: int = 128

    def __post_init__(self):
        allowed = {
            "epochs": range(1, 10**4),
            "schedule": ("steps", "one-cycle"),
            "precision": ("float32", "bfloat16"),
            "step": checks.between(0, 100),
            "momentum": checks.between(0, 1),
            "weight_decay": checks.between(0, 1),
            "batch": range(2, 50001),
        }
        for name, value in asdict(self).items():
            checks.check_value(name, value, allowed[name])


RECIPES = {
    # He et al.: 64,000 minibatches, the step size divided at 32,000 and 48,000; 164 epochs are 64,124
    "he": Recipe(epochs=164, schedule="steps", precision="bfloat16"),
    # what a CPU can do in half an hour
    "short": Recipe(epochs=8, schedule="one-cycle", precision="bfloat16", step=0.2),
}


_WHICH = {"recipe": Recipe, "folder": checks.optional(inputs.path)}
_RUN = {"network": tuple(NETWORKS), "seed": range(2**31), **_WHICH}


@checks.arguments(**_RUN, images=checks.optional(datasets.check_images), progress=bool)
def run(network, seed, recipe, *, images=None, folder=None, device="auto", progress=False):
    """The recording of one run, trained now if there is none yet.

    network: a key of NETWORKS. seed: fixes the initial weights, the order of the images, crops and flips.
    recipe: a Recipe; one that is not in RECIPES needs a folder of its own. images: default `datasets.cifar10()`.
    folder: of recordings and checkpoints; default: data/recorded, with the checkpoints in _build/checkpoints.

    A CPU without bfloat16 trains in float32, with a warning, and the recording says so. Its arrays are `test_error`,
    `train_error` (fractions, 0 ... epochs), `loss` and `seconds`.
    Raises ValueError or TypeError, naming the argument, FileNotFoundError or OSError before any work.
    """
    device = checks.device(device)
    if folder is None and recipe not in RECIPES.values():
        raise ValueError(f"folder must be given: data/recorded is for the recipes {' and '.join(RECIPES)} as they are")
    if (recording := find(network, seed, recipe, folder)) is not None:
        return recording
    title = _title(network, seed, recipe)
    wanted = None if recipe.precision == "float32" else getattr(torch, recipe.precision)
    precision = training.usable(wanted, device)
    parameters = asdict(recipe) | {"network": network} | ({} if precision else {"precision": "float32"})
    stored = recorded.Recorder(title, __name__, parameters=parameters, seeds=[seed], device=device, folder=folder)
    images = datasets.cifar10() if images is None else images
    model = NETWORKS[network](torch.Generator().manual_seed(2 * seed)).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=recipe.step, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    x, x_test = (standardised(i).to(device) for i in (images.train_images, images.test_images))
    y, y_test = images.train_labels.to(device), images.test_labels.to(device)
    record = training.train(
        model, x, y, optimizer=optimizer, epochs=recipe.epochs, batch=recipe.batch, seed=2 * seed + 1,
        evaluate={"test": (x_test, y_test)}, augment=crop_and_flip,
        scheduler=schedule(optimizer, recipe, -(-len(y) // recipe.batch)),
        precision=precision, checkpoint=stored.checkpoint, progress=progress,
    )  # fmt: skip
    stored.save(
        {
            "test_error": record.errors["test"],
            "train_error": record.train_error,
            "loss": record.loss,
            "seconds": record.seconds,
        },
        wall_time=record.seconds.sum().item(),
        images=images.name,
        evaluation=EVALUATION,
    )
    return recorded.load(title, folder)


@checks.arguments(**_RUN)
def find(network, seed, recipe, folder=None):
    """The recording of a finished run, or None; ValueError where that of another recipe is in its place."""
    title = _title(network, seed, recipe)
    if not (Path(folder or recorded.FOLDER) / f"{title}.npz").exists():
        return None
    recording = recorded.load(title, folder)
    ways = {recipe.precision, "float32"}  # the second where the CPU did not have the first
    if recording.provenance["parameters"] not in [asdict(recipe) | {"network": network, "precision": p} for p in ways]:
        raise ValueError(f"folder must hold no run of another recipe, as its {title} is; choose another folder")
    return recording


@checks.arguments(seeds=checks.each(range(2**31)), **_WHICH, train=bool, device=("auto", "cpu", "cuda"))
def collect(seeds, recipe, *, train=False, folder=None, device="auto"):
    """{name in ROWS: {seed: Recording}} of the runs that are recorded; `train`: and of the others, made now (`run`)."""
    found = {name: {} for name in ROWS}
    for seed in seeds:
        for name, row in ROWS.items():
            if train:
                found[name][seed] = run(row.network, seed, recipe, folder=folder, device=device, progress=True)
            elif (recording := find(row.network, seed, recipe, folder)) is not None:
                found[name][seed] = recording
    return found


@checks.arguments(**_WHICH)
def missing(recipe, folder=None):
    """[(network, seed)] of the recipe's fifteen runs that have no recording yet."""
    every = [(row.network, seed) for seed in SEEDS for row in ROWS.values()]
    return [(network, seed) for network, seed in every if find(network, seed, recipe, folder) is None]


@checks.arguments(runs=inputs.mapping(dict))
def errors(runs):
    """{name: the last test error of each run in per cent, numpy [n]} of what `collect` returns."""
    return {name: np.array([100 * r.arrays["test_error"][-1] for r in found.values()]) for name, found in runs.items()}


def _recordings(name, value):
    """A list of recordings, none perhaps."""
    if value != []:
        checks.check_value(name, value, checks.each(recorded.Recording))


@checks.arguments(recordings=_recordings)
def evaluated_otherwise(recordings):
    """How many of the recordings took their test errors in the precision of their training, and not in EVALUATION."""
    return sum(r.provenance.get("evaluation") != EVALUATION for r in recordings)


def _title(network, seed, recipe):
    name = next((name for name, known in RECIPES.items() if known == recipe), "changed")
    return f"table_1-{name}-{network}-{seed}"


@checks.arguments(optimizer=torch.optim.Optimizer, recipe=Recipe, steps_per_epoch=checks.COUNT)
def schedule(optimizer, recipe, steps_per_epoch):
    """The torch scheduler of the recipe, one step for each minibatch."""
    total = recipe.epochs * steps_per_epoch
    if recipe.schedule == "steps":
        return MultiStepLR(optimizer, [total // 2, 3 * total // 4], gamma=0.1)
    return OneCycleLR(optimizer, recipe.step, total_steps=total, pct_start=0.2, div_factor=10, cycle_momentum=False)


@checks.arguments(images=inputs.colours)
def standardised(images):
    """float32 (pixel / 255 - mean) / std, channel by channel, from uint8 images [n, 3, h, w]."""
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    return images.float().div_(255).sub_(mean).div_(std)


@checks.arguments(images=inputs.data("[n, c, h, w]"), generator=torch.Generator)
def crop_and_flip(images, generator):
    """Each image [n, c, h, w] padded with 4 zeros on every side, cropped at random to its size and flipped or not.

    The draws are independent and uniform: 9 x 9 positions, and left-right or not. Channels-last in memory.
    """
    n, _, h, w = images.shape
    top, left = torch.randint(2 * CROP_PADDING + 1, (2, n, 1), generator=generator)
    flip = torch.randint(2, (n, 1), generator=generator).bool()
    columns = torch.where(flip, torch.arange(w - 1, -1, -1), torch.arange(w)) + left
    rows = torch.arange(h) + top
    pixels = pad(images, [CROP_PADDING] * 4).permute(0, 2, 3, 1).contiguous()
    number, rows, columns = (
        i.to(images.device) for i in (torch.arange(n)[:, None, None], rows[..., None], columns[:, None])
    )
    return pixels[number, rows, columns].permute(0, 3, 1, 2)


def main():
    parser = argparse.ArgumentParser(prog="python -m src.experiments.table_1", description=__doc__.split("\n")[0])
    parser.add_argument("recipe", choices=RECIPES)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--folder", type=Path, help="of the recordings (default: data/recorded)")
    parser.add_argument("--threads", type=int, help="of the CPU")
    for field in fields(Recipe):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=field.type, help="instead of the recipe's")
    chosen = vars(parser.parse_args())
    changed = {f.name: chosen[f.name] for f in fields(Recipe) if chosen[f.name] is not None}
    if chosen["threads"]:
        torch.set_num_threads(chosen["threads"])
    try:
        recipe = replace(RECIPES[chosen["recipe"]], **changed)
        for seed in chosen["seeds"]:
            for network in chosen["networks"]:
                place = {"folder": chosen["folder"], "device": chosen["device"]}
                result = run(network, seed, recipe, **place, progress=True)
                print(f"{network} seed {seed}: test error {100 * result.arrays['test_error'][-1]:.2f} %", flush=True)
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":  # under its own name, by which a run says what code it ran
    from src.experiments import table_1

    table_1.main()
