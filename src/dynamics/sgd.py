r"""Minibatch SGD on eq. 2: sections 5.2 and 5.3, many runs at once.

One step draws x [batch, d] and moves A = I + W by

    A <- A - eta * (2 / batch) * x^T (r * 1(x A > 0)),        r = f(x, W) - f(x, W*),

two matrix products and little else. Runs with different seeds (and starts, teachers, step sizes) are made side by side,
on a GPU in common products; each has its own random stream, so a run does not depend on its company. The vanilla
network of section 5.2, ReLU(W^T x), is this model at W - I.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from src import threads
from src.checks import (
    COUNT,
    SEED,
    arguments,
    between,
    check_pair,
    check_tensor,
    check_value,
    one_or_each,
    optional,
    vector,
)
from src.dynamics.history import CURVES, History, measure
from src.dynamics.linearised import largest_stable_step
from src.dynamics.minibatch import Runs, output
from src.runs import checkpoints

_INPUTS = 10**8  # numbers in one step's inputs: 0.8 GB of doubles
_AT_ONCE = 50_000  # d times the steps between two moves of the progress bar: about a second


@arguments(
    eta=one_or_each(between(0, math.inf)),
    batch=COUNT,
    steps=COUNT,
    seeds=one_or_each(SEED),
    evaluate=optional(dict),
    checkpoint=optional(str | Path),
    allow_unstable=bool,
    progress=bool,
)
def train(
    W0: Float[Tensor, "... d d"],
    W_star: Float[Tensor, "... d d"],
    *,
    eta: float | Sequence[float],
    batch: int,
    steps: int,
    seeds: int | Sequence[int],
    samples: Float[Tensor, "n d"] | None = None,
    record_at: Iterable[int] | None = None,
    evaluate: dict[str, Float[Tensor, "_ d"]] | None = None,
    checkpoint: str | Path | None = None,
    allow_unstable: bool = False,
    progress: bool = False,
) -> History:
    """SGD on eq. 2 from W0 towards W_star; one run per seed, all at once, on the device and in the dtype of W0.

    W0, W_star: [d, d], shared by all runs, or [S, d, d]. eta: a step size, or one per run. batch: samples per step.
    seeds: S integers; one integer gives a single run, whose History has no run dimension. Runs with the same seed see
        the same samples.
    samples: None draws fresh x ~ N(0, I) at every step; [n, d] is a training set, gone through in epochs of
        n / batch steps, in an order of each seed's own.
    record_at: the steps (0 is the start) after which the exact curves are taken, in any order and repeated or not, and
        the last one; default: 0, 1 % of the steps, 2 %, ...
    evaluate: a dict of named input sets [m, d]; their mean squared errors are in History.errors, [K] or [K, S].
    checkpoint: a file; written at recorded steps at least every 20 seconds, and resumed from when it is there.
    allow_unstable: whether a step above `linearised.largest_stable_step` may be taken.

    Returns a History. Raises TypeError or ValueError, naming the argument, before any work; FloatingPointError with the
    step at which a run stopped being finite (the checkpoint before it is kept).
    """
    single = not isinstance(seeds, (list, tuple, range))
    seeds = [int(seed) for seed in ([seeds] if single else seeds)]
    check_pair(W0, W_star, "W0")
    for name, W in (("W0", W0), ("W_star", W_star)):
        if W.ndim > 3 or (W.ndim == 3 and len(W) != len(seeds)):
            raise ValueError(
                f"{name} must be [d, d] or [S, d, d], with S = {len(seeds)} as many as seeds, not {list(W.shape)}"
            )
    W0, W_star = W0.detach(), W_star.detach()
    if len(seeds) * batch * W0.shape[-1] > _INPUTS:
        raise ValueError(
            f"batch must be at most {_INPUTS // (len(seeds) * W0.shape[-1])} for {len(seeds)} runs with d = "
            f"{W0.shape[-1]}, not {batch}: a step's inputs are held in memory"
        )
    etas = _step_sizes(eta, len(seeds), batch, W0.shape[-1], allow_unstable)
    record_at = _recorded_steps(record_at, steps)
    for name in evaluate or {}:
        check_value("every key of evaluate", name, str)
    sets = {name: _inputs(f"entry {name!r} of evaluate", x, W0) for name, x in (evaluate or {}).items()}
    if samples is not None:
        samples = _inputs("samples", samples, W0)
        if len(samples) % batch:
            raise ValueError(f"batch must divide the number of samples, {len(samples)}, not {batch}")

    runs = Runs(W0, W_star, etas, batch, seeds, samples)
    targets = {name: output(x, runs.teacher) for name, x in sets.items()}
    curves, errors = [], []
    belongs = {
        "W0": W0, "W_star": W_star, "eta": etas, "batch": batch, "seeds": seeds, "samples": samples,
        "record_at": record_at, "evaluate": sets,
    }  # fmt: skip
    at_once = max(1, _AT_ONCE // W0.shape[-1])
    bar = tqdm(total=steps, desc="SGD", leave=False, disable=None if progress else True)
    with checkpoints.kept(checkpoint, __name__, **belongs) as kept, bar, threads.of_size(W0):
        if saved := kept.load():
            runs.restore(saved["runs"])
            curves, errors = saved["curves"], saved["errors"]
        bar.update(runs.step)
        for target in record_at[len(curves) :]:
            while runs.step < target:
                runs.advance(min(at_once, target - runs.step))
                bar.update(runs.step - bar.n)
            W = runs.weights()
            curves.append(measure(W, W_star.expand_as(W)).cpu())
            errors.append([_mean_squared_error(x, runs.A, targets[name]) for name, x in sets.items()])
            if kept.due() or target == steps:
                kept.save({"runs": runs.state(), "curves": curves, "errors": errors})

    run = 0 if single else slice(None)
    step = torch.tensor(record_at)
    eta = torch.tensor(etas, dtype=torch.float64)
    return History(
        step=step,
        t=step * eta[0] if single or len(set(etas)) == 1 else step[:, None] * eta,
        W=runs.weights()[run],
        errors={name: torch.stack([e[k] for e in errors])[:, run] for k, name in enumerate(sets)},
        **{name: values[:, run] for name, values in zip(CURVES, torch.stack(curves, dim=1), strict=True)},
    )


def _mean_squared_error(x, A, target):
    return (output(x, A) - target).double().square().mean(-1).cpu()


def _step_sizes(eta, runs, batch, d, allow_unstable):
    etas = list(eta) if isinstance(eta, (list, tuple)) else [eta] * runs
    if len(etas) != runs:
        raise ValueError(f"eta must be one number or one per seed, {runs} of them, not {len(etas)}")
    largest = largest_stable_step(batch, d)
    for one in etas:
        if one > largest and not allow_unstable:
            raise ValueError(
                f"eta must be at most {largest:.3g} for batch {batch}, d = {d} (about 2 batch / d^2), not {one}: "
                "above it SGD diverges in mean square (allow_unstable=True takes the step all the same)"
            )
    return etas


def _recorded_steps(record_at, steps):
    if record_at is None:
        return sorted({round(steps * k / 100) for k in range(101)})
    check_value("record_at", record_at, vector(range(steps + 1)))
    return sorted({*map(int, record_at), steps})  # the final weights belong to the last row


def _inputs(name, x, W0):
    d = W0.shape[-1]
    check_tensor(name, x, f"inputs [n, d] with d = {d}", lambda shape: len(shape) == 2 and len(x) and shape[1] == d)
    if x.dtype != W0.dtype or x.device != W0.device:
        raise ValueError(f"{name} must have the dtype and device of W0, {W0.dtype} on {W0.device}")
    return x.detach()
