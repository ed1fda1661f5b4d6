"""Section 5.5: how far two searches of one ball get with more steps, for one pair of digits.

python -m src.experiments.search_budget    records mnist_search_budget: five minutes on one core
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from src.checks import COUNT, SEED, arguments, check_value, each, optional
from src.experiments import datasets, digit_pairs, inputs, spectral
from src.runs import checkpoints, recorded
from src.threads import limited

PAIR = (4, 9)
SEARCHES = {  # method, its settings, and the numbers of steps, each a run of its own
    "projected SGD, step 0.02": (spectral.projected_sgd, {"step": 0.02}, (72, 300, 1000, 3000)),
    "projected SGD, step 0.1": (spectral.projected_sgd, {"step": 0.1}, (72, 300, 1000, 3000)),
    "conditional gradient": (spectral.frank_wolfe, {"radii": [digit_pairs.RADIUS]}, (3, 12, 30, 100)),
}
COLUMNS = ("steps", "train", "refitted", "test", "saturated", "frobenius", "seconds")


def _searches(name, value):
    """As SEARCHES is."""
    inputs.mapping(tuple)(name, value)
    if len({len(search[-1]) if len(search) == 3 else None for search in value.values()} - {None}) != 1:
        raise ValueError(f"{name} must hold (method, settings, steps), with as many steps for each")
    for method, changed, steps in value.values():
        check_value(f"every method of {name}", method, callable)
        check_value(f"the settings of {name}", changed, dict)
        check_value(f"the steps of {name}", steps, each(COUNT))


@arguments(sets=inputs.sets, pair=inputs.pair, seed=SEED, searches=_searches)
def reached(sets, pair, seed, searches=SEARCHES, checkpoint=None):
    """What each search of the ball of radius 0.6 reaches with each number of steps: {name in COLUMNS: [S, B]}.

    sets, pair, seed: as in `digit_pairs.train`; errors are fractions; `saturated` counts the singular values within
    one per cent of the radius, `frobenius` is ‖W‖_F, `seconds` processor time. Other settings: `digit_pairs.RECORDED`.
    checkpoint: a file that keeps the searches already done.
    """

    def row(name, steps):
        method, changed, _ = searches[name]
        trained = digit_pairs.train(
            method, sets, pair, seed, **(digit_pairs.RECORDED[method] | changed | {"steps": steps})
        )
        values = torch.linalg.svdvals(trained.W[-1])
        errors = (getattr(trained, name)[-1].item() for name in ("train", "refitted", "test"))
        return steps, *errors, int((values > 0.99 * digit_pairs.RADIUS).sum()), values.norm().item(), trained.seconds

    units = [(name, n) for name, (_, _, steps) in searches.items() for n in steps]
    rows = checkpoints.one_by_one(
        row, units, path=checkpoint, module=__name__,
        sets=[list(part) for part in sets], pair=pair, seed=seed, searches=searches,
    )  # fmt: skip
    table = np.array(rows).reshape(len(searches), -1, len(COLUMNS))
    return dict(zip(COLUMNS, np.moveaxis(table, -1, 0), strict=True))


@arguments(images=datasets.check_images, seed=SEED, searches=_searches, folder=optional(inputs.path))
def record(images, seed, *, searches=SEARCHES, folder=None):
    """Store `reached` for PAIR, on one thread, as the recording mnist_search_budget; returns its path."""
    parameters = {
        name: {**digit_pairs.RECORDED[m], **changed, "steps": list(n)} for name, (m, changed, n) in searches.items()
    }
    with limited(1):
        run = recorded.Recorder("mnist_search_budget", __name__, parameters=parameters, seeds=[seed], folder=folder)
        arrays = reached(digit_pairs.standardised(images), PAIR, seed, searches, run.checkpoint)
        return run.save(
            arrays | {"searches": np.array(list(searches))},
            wall_time=arrays["seconds"].sum(),
            timing="wall_time is the processor time of training, evaluations left out",
            data=images.name,
        )


def find():
    """The recording mnist_search_budget, or None where it has not been made."""
    try:
        return recorded.load("mnist_search_budget")
    except FileNotFoundError:
        return None


def main():
    parser = argparse.ArgumentParser(prog="python -m src.experiments.search_budget", description=__doc__.split("\n")[0])
    parser.add_argument("--folder", type=Path, help="of the recording (default: data/recorded)")
    try:
        print(record(datasets.mnist("full"), 0, folder=parser.parse_args().folder))
    except (ValueError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":  # under its own name, by which a run says what code it ran
    from src.experiments import search_budget

    search_budget.main()
