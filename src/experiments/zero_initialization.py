"""Section 5.4: does a five-block network learn digits as well from zero weights as from random ones?

Every comparison is between two networks of one seed, which share the read-out's start and the order of the images, so
that a difference of their errors is paired. Errors are percentages, differences points.

    python -m src.experiments.zero_initialization recipe    records mnist_recipe: three quarters of an hour on one core

or, in place of `recipe`, the name of another of its recordings (FAMILIES).

Every run keeps a checkpoint after each epoch and goes on from it when the command is started again.
"""

import argparse
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.optim.lr_scheduler import MultiStepLR

from src.checks import COUNT, arguments, between, check_value, each, optional, within
from src.experiments import datasets, inputs, networks, training
from src.runs import recorded
from src.threads import limited

SCALINGS = {"standardised": (datasets.MNIST_MEAN, datasets.MNIST_STD), "unit": (0, 1)}  # subtracted, divided by
STARTS = ("zero", "random")
CLASSES = 10
SEEDS = range(2**31)  # two numbers are made of each
PASSES = range(10**6)  # epochs


_ALLOWED = {
    "step": between(0, 100),
    "batch": COUNT,
    "init": networks.STARTS,
    "readout": networks.STARTS,
    "bias": bool,
    "pixels": tuple(SCALINGS),
    "momentum": inputs.MOMENTUM,
    "weight_decay": within(0, 1),
    "schedule": ("constant", "steps"),
}


@dataclass(frozen=True)
class Choices:
    """What a run needs beside images, seed and start: the paper's step and batch, and what it leaves open.

    init: the random weights, and readout: the start of the last layer, as `networks.BlockMLP` names them; bias: whether
    the blocks have biases; pixels: a key of SCALINGS; momentum and weight_decay: of SGD; schedule: "constant", or
    "steps", which divides the step by ten after half and after three quarters of the minibatches.
    """

    step: float = 0.1
    batch: int = 256
    init: str = "uniform"
    readout: str = "uniform"
    bias: bool = False
    pixels: str = "standardised"
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: str = "constant"

    def __post_init__(self):
        for name, value in asdict(self).items():
            check_value(name, value, _ALLOWED[name])

    def inputs(self, images):
        """float32 rows [n, d] of uint8 images [n, ...], scaled as chosen."""
        return datasets.standardised(images, *SCALINGS[self.pixels])

    def optimizer(self, parameters, steps):
        """SGD on `parameters` as chosen, and the scheduler of a run of so many minibatches, None if it is constant."""
        sgd = torch.optim.SGD(parameters, lr=self.step, momentum=self.momentum, weight_decay=self.weight_decay)
        return sgd, MultiStepLR(sgd, [steps // 2, 3 * steps // 4], gamma=0.1) if self.schedule == "steps" else None


# closer to the paper's errors than its step and batch alone: what is customary for such networks, and pixels in [0, 1]
RECIPE = Choices(pixels="unit", momentum=0.9, weight_decay=5e-4, schedule="steps")
RECIPE_EPOCHS = 16
EPOCHS = 20  # of the recordings by the paper's step and batch
THREADS = 1  # of recorded runs: another number adds in another order, and a seed fixes a run no more

VARIANTS = {  # one choice changed at a time
    "as chosen": {},
    "pixels from 0 to 1": {"pixels": "unit"},
    "read-out starts at zero": {"readout": "zero"},
    "blocks have biases": {"bias": True},
    "normal, variance 1/d": {"init": "normal"},
    "step 0.03": {"step": 0.03},
}


_RUN = {"images": datasets.check_images, "epochs": PASSES, "choices": Choices, "device": inputs.device}
_MANY = _RUN | {"seeds": each(SEEDS)}
_PLACES = {"folder": optional(inputs.path), "keep": optional(Path)}


@arguments(**_RUN, start=STARTS, seed=SEEDS, identity=bool)
def learn(images, start, seed, epochs, choices, *, identity=True, device="cpu", checkpoint=None):
    """Train one network by SGD and return it with its `training.Record`, whose errors["test"] is the test error.

    images: `datasets.Images`; start: "zero" or "random", the blocks' weights (`choices.init` says how random);
    identity: whether the blocks have their links; checkpoint: a file to resume from, as in `training.train`.
    Raises ValueError or TypeError, naming the argument.
    """
    x, x_test = (choices.inputs(i).to(device) for i in (images.train_images, images.test_images))
    y, y_test = images.train_labels.to(device), images.test_labels.to(device)
    init = "zero" if start == "zero" else choices.init
    generator = torch.Generator().manual_seed(2 * seed)
    model = networks.BlockMLP(
        x.shape[1], CLASSES, generator, identity=identity, init=init, readout=choices.readout, bias=choices.bias
    ).to(device)
    optimizer, scheduler = choices.optimizer(model.parameters(), epochs * -(-len(y) // choices.batch))
    record = training.train(
        model, x, y, optimizer=optimizer, scheduler=scheduler, epochs=epochs, batch=choices.batch, seed=2 * seed + 1,
        evaluate={"test": (x_test, y_test)}, checkpoint=checkpoint, progress=True,
    )  # fmt: skip
    return model, record


@arguments(**_MANY, identity=bool, keep=optional(Path))
def both_starts(images, seeds, epochs, choices, *, identity=True, device="cpu", keep=None):
    """The curves of every seed from both starts: a dict of arrays [2, seeds, epochs + 1], zero first, then random.

    `test_error` and `train_error` are fractions, `train_loss` nats, `seconds` wall time; other arguments as in `learn`.
    keep: a folder, made if need be, in which every run keeps its checkpoint and from which it goes on.
    """
    family = f"{'linked' if identity else 'unlinked'}-{choices.pixels}"

    def record(start, seed):
        checkpoint = keep and keep / f"{family}-{start}-{seed}.pt"
        options = {"identity": identity, "device": device, "checkpoint": checkpoint}
        return learn(images, start, seed, epochs, choices, **options)[1]

    rows = [[record(start, seed) for seed in seeds] for start in ("zero", "random")]
    curves = {
        "test_error": lambda r: r.errors["test"],
        "train_error": lambda r: r.train_error,
        "train_loss": lambda r: r.loss,
        "seconds": lambda r: r.seconds,
    }
    return {name: np.array([[curve(r).numpy() for r in row] for row in rows]) for name, curve in curves.items()}


FAMILIES = {  # recordings beside VARIANTS: links, what is changed, at most so many seeds and epochs
    "mnist_zero_initialization": (True, {}, None, None),
    "mnist_without_link": (False, {}, None, None),
    "mnist_unit_pixels": (True, {"pixels": "unit"}, 3, 10),
}


@arguments(**_MANY, **_PLACES)
def record(images, seeds, epochs, choices, *, device="cpu", folder=None, keep=None):
    """Train everything that the chapter shows as recorded but the recipe, on one thread, and store it in `folder`.

    FAMILIES on `images`; and VARIANTS, eight epochs and five seeds each, on the embedded digits. keep: as in
    `both_starts`.
    """
    for name in FAMILIES:
        record_family(name, images, seeds, epochs, choices, device=device, folder=folder, keep=keep)
    with limited(THREADS):
        few, digits = range(seeds[0], seeds[0] + 5), datasets.mnist("embedded")
        run = _recorder("mnist_sensitivity", choices, True, 8, few, device, folder)
        arrays = {"test_error": sensitivity(digits, few, 8, choices, device=device, keep=keep)}
        run.save(arrays | {"variants": np.array(list(VARIANTS))}, images=digits.name)


@arguments(name=tuple(FAMILIES), **_MANY, **_PLACES)
def record_family(name, images, seeds, epochs, choices, *, device="cpu", folder=None, keep=None):
    """Train both starts of FAMILIES[name] for every seed, on one thread, and store the recording; return its path."""
    identity, changed, some, short = FAMILIES[name]
    varied, chosen, length = replace(choices, **changed), seeds[:some], min(epochs, short or epochs)
    return _record(name, images, chosen, length, varied, identity, device, folder, keep)


@arguments(**_MANY | {"images": optional(datasets.check_images)}, **_PLACES)
def record_recipe(seeds, *, images=None, choices=RECIPE, epochs=RECIPE_EPOCHS, device="cpu", folder=None, keep=None):
    """Train both starts by the recipe for every seed, on one thread, and store the recording `mnist_recipe`.

    images: default full MNIST. folder: of the recording; default data/recorded. keep: of the checkpoints, from which an
    interrupted run goes on; default runs_5_4_recipe in the data folder. Returns the recording's path.
    """
    images = datasets.mnist("full") if images is None else images
    keep = keep or datasets.data_folder() / "runs_5_4_recipe"
    return _record("mnist_recipe", images, seeds, epochs, choices, True, device, folder, keep)


@arguments(**_MANY)
def sensitivity(images, seeds, epochs, choices, *, device="cpu", keep=None):
    """Test errors, fractions [variants, 2, seeds, epochs + 1], of `both_starts` for every one of VARIANTS.

    keep: a folder for checkpoints, as there.
    """
    families = (
        both_starts(
            images, seeds, epochs, replace(choices, **changed), device=device, keep=keep and keep / f"variant-{k}"
        )
        for k, changed in enumerate(VARIANTS.values())
    )
    return np.stack([curves["test_error"] for curves in families])


def _record(name, images, seeds, epochs, choices, identity, device, folder, keep):
    resumed = keep is not None and any(keep.glob("*.pt"))
    with limited(THREADS):
        run = _recorder(name, choices, identity, epochs, seeds, device, folder)
        curves = both_starts(images, seeds, epochs, choices, identity=identity, device=device, keep=keep)
    seconds = curves.pop("seconds").sum()
    return run.save(curves, wall_time=seconds, images=images.name, resumed=resumed)


def _recorder(name, choices, identity, epochs, seeds, device, folder):
    parameters = asdict(choices) | {"identity": identity, "epochs": epochs}
    return recorded.Recorder(name, __name__, parameters=parameters, seeds=seeds, device=device, folder=folder)


def main():
    parser = argparse.ArgumentParser(
        prog="python -m src.experiments.zero_initialization", description=__doc__.split("\n")[0]
    )
    parser.add_argument("what", choices=("recipe", *FAMILIES))
    parser.add_argument("--seeds", type=int, default=5, choices=range(2, 101), metavar="N", help="from 0 on, 2 to 100")
    parser.add_argument("--folder", type=Path, help="of the recording (default: data/recorded)")
    parser.add_argument("--keep", type=Path, help="of the checkpoints (default: runs_5_4_WHAT in the data folder)")
    chosen = parser.parse_args()
    try:
        seeds, options = range(chosen.seeds), {"folder": chosen.folder, "keep": chosen.keep}
        if chosen.what == "recipe":
            print(record_recipe(seeds, **options))
        else:
            options["keep"] = chosen.keep or datasets.data_folder() / f"runs_5_4_{chosen.what}"
            print(record_family(chosen.what, datasets.mnist("full"), seeds, EPOCHS, Choices(), **options))
    except (ValueError, TypeError, OSError, FloatingPointError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":  # under its own name, by which a run says what code it ran
    from src.experiments import zero_initialization

    zero_initialization.main()
