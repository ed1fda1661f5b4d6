"""Section 5.4: does a five-block network learn digits as well from zero weights as from random ones?

Every comparison is between two networks of one seed, which share the read-out's start and the order of the images, so
that a difference of their errors is paired. Errors are percentages, differences points.

    python -m src.experiments.zero_initialization recipe    records mnist_recipe: three quarters of an hour on one core

or, in place of `recipe`, the name of another of its recordings (FAMILIES).

Every run keeps a checkpoint after each epoch and goes on from it when the command is started again.
"""

import argparse
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.optim.lr_scheduler import MultiStepLR

from src.experiments import datasets, networks, training
from src.runs import recorded

SCALINGS = {"standardised": (datasets.MNIST_MEAN, datasets.MNIST_STD), "unit": (0, 1)}  # subtracted, divided by
CLASSES = 10


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

    def inputs(self, images):
        """float32 rows [n, d] of uint8 images [n, ...], scaled as chosen."""
        return datasets.standardised(images, *SCALINGS[self.pixels])

    def optimizer(self, parameters, steps):
        """SGD on `parameters` as chosen, and the scheduler of a run of so many minibatches, None if it is constant."""
        if self.schedule not in ("constant", "steps"):
            raise ValueError(f"schedule must be 'constant' or 'steps', not {self.schedule!r}")
        sgd = torch.optim.SGD(parameters, lr=self.step, momentum=self.momentum, weight_decay=self.weight_decay)
        return sgd, MultiStepLR(sgd, [steps // 2, 3 * steps // 4], gamma=0.1) if self.schedule == "steps" else None


# closer to the paper's errors than its step and batch alone: what is customary for such networks, and pixels in [0, 1]
RECIPE = Choices(pixels="unit", momentum=0.9, weight_decay=5e-4, schedule="steps")
RECIPE_EPOCHS = 16
EPOCHS = 20  # of the recordings by the paper's step and batch
THREADS = 1  # of recorded runs: another number adds in another order, which moves a seed's error by some .15 points

VARIANTS = {  # one choice changed at a time
    "as chosen": {},
    "pixels from 0 to 1": {"pixels": "unit"},
    "read-out starts at zero": {"readout": "zero"},
    "blocks have biases": {"bias": True},
    "normal, variance 1/d": {"init": "normal"},
    "step 0.03": {"step": 0.03},
}


def learn(images, start, seed, epochs, choices, *, identity=True, device="cpu", checkpoint=None):
    """Train one network by SGD and return it with its `training.Record`, whose errors["test"] is the test error.

    images: `datasets.Images`; start: "zero" or "random", the blocks' weights (`choices.init` says how random);
    identity: whether the blocks have their links; checkpoint: a file to resume from, as in `training.train`.
    Raises ValueError or TypeError, naming the argument.
    """
    if start not in ("zero", "random"):
        raise ValueError(f"start must be 'zero' or 'random', not {start!r}")
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


def both_starts(images, seeds, epochs, choices, *, identity=True, device="cpu", keep=None):
    """The curves of every seed from both starts: a dict of arrays [2, seeds, epochs + 1], zero first, then random.

    `test_error` and `train_error` are fractions, `train_loss` nats, `seconds` wall time; other arguments as in `learn`.
    keep: a folder, made if need be, in which every run keeps its checkpoint and from which it goes on.
    """
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
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


def record(images, seeds, epochs, choices, *, device="cpu", folder=None, keep=None):
    """Train everything that the chapter shows as recorded but the recipe, on one thread, and store it in `folder`.

    FAMILIES on `images`; and VARIANTS, eight epochs and five seeds each, on the embedded digits. keep: as in
    `both_starts`.
    """
    for name in FAMILIES:
        record_family(name, images, seeds, epochs, choices, device=device, folder=folder, keep=keep)
    with training.threads(THREADS):
        begin, few, digits = time.perf_counter(), range(seeds[0], seeds[0] + 5), datasets.mnist("embedded")
        table = sensitivity(digits, few, 8, choices, device=device)
        arrays = {"test_error": table, "variants": np.array(list(VARIANTS))}
        seconds, parameters = time.perf_counter() - begin, asdict(choices) | {"epochs": 8}
        _save("mnist_sensitivity", arrays, parameters, few, device, seconds, digits, folder)


def record_family(name, images, seeds, epochs, choices, *, device="cpu", folder=None, keep=None):
    """Train both starts of FAMILIES[name] for every seed, on one thread, and store the recording; return its path."""
    identity, changed, some, short = FAMILIES[name]
    varied, chosen, length = replace(choices, **changed), seeds[:some], min(epochs, short or epochs)
    parameters = asdict(varied) | {"identity": identity, "epochs": length}
    resumed = keep is not None and any(keep.glob("*.pt"))
    with training.threads(THREADS):
        curves = both_starts(images, chosen, length, varied, identity=identity, device=device, keep=keep)
    seconds = curves.pop("seconds").sum()
    return _save(name, curves, parameters, chosen, device, seconds, images, folder, resumed=resumed)


def record_recipe(seeds, *, images=None, choices=RECIPE, epochs=RECIPE_EPOCHS, device="cpu", folder=None, keep=None):
    """Train both starts by the recipe for every seed, on one thread, and store the recording `mnist_recipe`.

    images: default full MNIST. folder: of the recording; default data/recorded. keep: of the checkpoints, from which an
    interrupted run goes on; default runs_5_4_recipe in the data folder. Returns the recording's path.
    """
    images = datasets.mnist("full") if images is None else images
    keep = keep or datasets.data_folder() / "runs_5_4_recipe"
    resumed = any(keep.glob("*.pt"))
    with training.threads(THREADS):
        curves = both_starts(images, seeds, epochs, choices, device=device, keep=keep)
        seconds = curves.pop("seconds").sum()
        parameters = asdict(choices) | {"identity": True, "epochs": epochs}
        return _save("mnist_recipe", curves, parameters, seeds, device, seconds, images, folder, resumed=resumed)


def sensitivity(images, seeds, epochs, choices, *, device="cpu"):
    """Test errors, fractions [variants, 2, seeds, epochs + 1], of `both_starts` for every one of VARIANTS."""
    families = (
        both_starts(images, seeds, epochs, replace(choices, **changed), device=device) for changed in VARIANTS.values()
    )
    return np.stack([curves["test_error"] for curves in families])


def _save(name, arrays, parameters, seeds, device, seconds, images, folder, **extra):
    return recorded.save(
        name, arrays, parameters=parameters, seeds=seeds, device=device, wall_time=seconds, folder=folder,
        images=images.name, **extra,
    )  # fmt: skip


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


if __name__ == "__main__":
    main()
