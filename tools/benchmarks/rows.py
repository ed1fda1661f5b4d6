"""What is timed: a function for each subject, which yields Rows."""

import os
import time
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import nn
from torch.utils.data import DataLoader

from src import checks
from src.dynamics import flow, minibatch, sgd, three_variables
from src.experiments import datasets, digit_pairs, networks, spectral, table_1, training
from src.model import population, weights
from src.theory import search
from tools.benchmarks.plain import (
    Augmented,
    Plain,
    jax_epoch,
    loops_gradient,
    plain_epoch,
    plain_search_step,
    plain_step,
)
from tools.benchmarks.timing import Spread, compare, floor, least_work, on_device, repeat, seconds

STEPS_8B = 350_000  # of Figure 8(b)


class Row(NamedTuple):
    """A piece of work of the book beside another one, or beside the least time that it can take."""

    what: str
    ours: float  # seconds
    against: str
    other: float  # seconds
    ratio: Spread  # other / ours, or where `other` is a floor ours / other
    target: float | None = None  # the ratio that is wanted: at least, or for a floor at most
    floor: bool = False

    @property
    def met(self):
        return self.ratio.median <= self.target if self.floor else self.ratio.median >= self.target


def faster(what, against, ours, other, rounds, target=None, times=1):
    """A Row of two functions, each of which does its work `times` times."""
    mine, theirs, ratio = compare(ours, other, rounds)
    return Row(what, mine / times, against, theirs / times, ratio, target)


def over(what, against, ours, bare, rounds, target=None, times=1):
    """A Row of a function beside its floor."""
    least, mine, ratio = compare(bare, ours, rounds)
    return Row(what, mine / times, against, least / times, ratio, target, floor=True)


def setting_5_2(generator, n=100_000, d=100, runs=5):
    """Samples, teacher and starts of section 5.2."""
    samples = torch.randn(n, d, generator=generator)
    W_star = weights.with_norms(d, 0.6, 5.7, generator).float()
    starts = torch.stack([weights.with_norms(d, 0.6, 5.0, generator) for _ in range(runs)]).float()
    return samples, W_star, starts


def epoch(samples, W_star, starts, batch=200, eta=1e-3):
    steps = len(samples) // batch
    settings = {"eta": eta, "batch": batch, "steps": steps, "samples": samples, "record_at": [steps]}
    return partial(sgd.train, starts, W_star, seeds=range(len(starts)), **settings)


def five_seeds(generator, n=100_000, batch=200, eta=1e-3):
    """Section 5.2: five networks from different starts, one epoch."""
    samples, W_star, starts = setting_5_2(generator, n)
    what, ours, runs = "five networks of section 5.2, one epoch", epoch(samples, W_star, starts), len(starts)
    for against, loader, rounds, target in (
        ("a loop with a DataLoader", True, 3, 12),
        ("a loop that indexes", False, 5, 6),
    ):
        plain = repeat(partial(plain_epoch, starts[0], W_star, samples, batch, eta, loader), runs)
        yield faster(what, f"{against}, five times", ours, plain, rounds, target)
    if jax := jax_epoch(starts, W_star, samples, batch, eta):
        yield faster(what, "JAX: vmap over the networks, scan over the steps, compiled", ours, jax, 5, 2)
    least = floor(batch, samples.shape[1], samples.shape[1], samples.dtype)
    products = least.times(2 * runs * n // batch)
    yield over(what, f"its {2 * runs * n // batch:,} products alone, by {least.way}", ours, products, 5, 2)


def one_step(generator, d=1500, batch=300, eta=1e-4, times=20):
    """Section 5.3: a step of SGD with fresh inputs."""
    W = weights.wrong_way_start(d, 5.0, -18.75, generator).float()
    what, step = f"a step of section 5.3, d = {d}, {batch} fresh inputs", stepper(W, batch, eta, times)
    model, teacher = Plain(W), Plain(torch.zeros_like(W))
    optimiser = torch.optim.SGD(model.parameters(), lr=eta)
    plain = repeat(lambda: plain_step(model, teacher, optimiser, torch.randn(batch, d)), times)
    yield faster(what, "a plain step, autograd", step, plain, 5, times=times)
    least = floor(batch, d, d, W.dtype)
    yield over(what, f"its two products alone, by {least.way}", step, least.times(2 * times), 9, 1.15, times=times)


def exact_gradient(generator, d=1500, d_loops=100):
    """Lemma 2.1 for a general teacher."""
    W, W_star = (weights.with_norms(d_loops, 0.5, 0.4 * d_loops**0.5, generator) for _ in range(2))
    ours, loops = partial(population.gradient, W, W_star), partial(loops_gradient, W, W_star)
    yield faster(f"the exact gradient, d = {d_loops}", "two loops over the columns", ours, loops, 3)
    pair = [weights.with_norms(d, 0.15, 0.13 * d**0.5, generator) for _ in range(2)]
    for dtype in (torch.float64, torch.float32):
        W, W_star = (X.to(dtype) for X in pair)
        least, name = floor(d, d, d, dtype, rounds=3), str(dtype).removeprefix("torch.")
        four, against = least.times(4), f"four products alone, by {least.way}"
        for what, function, target in (
            ("the exact gradient", population.gradient, 1.5 if dtype == torch.float64 else None),
            ("exact loss and gradient", population.loss_and_gradient, None),
        ):
            yield over(f"{what}, d = {d}, {name}", against, partial(function, W, W_star), four, 5, target)


def whole_flow(step_seconds, d=1499, t_end=35.0):
    """Figure 8(b) whole, by the flow, beside as many steps of SGD and beside an adaptive explicit solver."""
    start = three_variables.start(d, 5.0, -18.75)
    W, zero = three_variables.matrix(start, d), torch.zeros(d, d, dtype=torch.float64)
    gradient_seconds = min(seconds(partial(population.gradient, W, zero)) for _ in range(5))
    # An explicit solver's steps follow the trajectory's fast modes, which the three-variable flow shares.
    explicit = solve_ivp(
        lambda _, W: np.negative(three_variables.gradient(tuple(W), d)), (0, t_end), start,
        method="RK45", rtol=1e-3, atol=1e-9,
    )  # fmt: skip
    others = (
        (f"{STEPS_8B:,} steps of SGD, from the one above", STEPS_8B * step_seconds, 400),
        (f"RK45 with {explicit.nfev:,} gradients, from one", explicit.nfev * gradient_seconds, None),
    )
    for rtol, rounds in ((3e-3, 3), (1e-3, 1)):
        times = []
        for _ in range(rounds):
            begun = time.perf_counter()
            history = flow.integrate(W, zero, t_end, rtol=rtol)
            times.append(time.perf_counter() - begun)
        reference = three_variables.integrate(start, d, history.t[1:])
        error = 100 * (history.distance[1:] / reference.distance - 1).abs().max().item()
        mine, steps = Spread.of(times), len(history.t) - 1
        what = f"the flow of Figure 8(b), d = {d}, rtol = {rtol:g}: {steps} steps, distance within {error:.2g} %"
        for against, other, target in others[: 2 if rounds > 1 else 1]:
            yield Row(
                what, mine.median, against, other, Spread.of([other / x for x in times]), target if rounds > 1 else None
            )


def worst_pairs(generator, d=12, gamma=0.3, starts=20, steps=20):
    """The adversarial search of Theorem 3.3."""
    W, W_star, _ = search.starts(d, gamma, starts, generator)
    ours = partial(search.minimize, W, W_star, gamma, steps=steps)
    plain = repeat(partial(plain_search_step, W, W_star), steps)
    what = f"the search for the worst pair, {starts} pairs with d = {d}, {steps} steps"
    yield faster(what, "autograd of Lemma 2.1's formula alone, as often", ours, plain, 5)


def digit_searches(pairs=((4, 9), (0, 1), (3, 5))):
    """Section 5.5: the search within a spectral ball for a pair of digits; 45 pairs are reckoned from a few."""
    sets = digit_pairs.standardised(datasets.mnist("embedded"))
    settings = digit_pairs.RECORDED[spectral.frank_wolfe]
    every = partial(digit_pairs.every_error, spectral.frank_wolfe, sets, list(pairs), 0, **settings)
    all_pairs = 45 / len(pairs) * seconds(every)
    what = f"45 pairs of section 5.5, from {len(pairs)}"
    yield Row(what, all_pairs, "the time that they may take", 150.0, Spread.of([150 / all_pairs]), 1)


def residual_epoch(generator):
    """Section 5.1: ResNet-56 by He et al.'s recipe; an epoch on a GPU, ten minibatches on a CPU.

    The floor is the larger of two times: for the operations of all convolutions and their two gradients, at the rate of
    a large product in bfloat16; and for writing and reading every layer's output and its gradient once, in bfloat16, at
    the rate of a copy.
    """
    device = checks.device("auto")
    n = 50_000 if device.type == "cuda" else 1280
    images, labels = torch.randn(n, 3, 32, 32, generator=generator), torch.randint(10, (n,), generator=generator)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}

    net = networks.resnet56().to(device, memory_format=torch.channels_last)
    optimiser, x, y = torch.optim.SGD(net.parameters(), **options), images.to(device), labels.to(device)
    precision = training.usable(torch.bfloat16, device)

    def ours():
        training.train(
            net, x, y, optimizer=optimiser, epochs=1, batch=128, seed=0, augment=table_1.crop_and_flip,
            precision=precision,
        )  # fmt: skip

    plain_net = networks.resnet56().to(device)
    plain_optimiser = torch.optim.SGD(plain_net.parameters(), **options)
    loader = DataLoader(Augmented(images, labels), batch_size=128, shuffle=True, num_workers=os.cpu_count() - 1)

    def plain():
        total = 0.0
        for x, y in loader:
            plain_optimiser.zero_grad()
            loss = nn.functional.cross_entropy(plain_net(x.to(device)), y.to(device))
            loss.backward()
            plain_optimiser.step()
            total += loss.item()

    kind = "bfloat16" if precision else "float32, as this CPU has no arithmetic in bfloat16"
    what = f"ResNet-56, {n:,} images of 50,000 on {where}, {kind}"
    yield faster(what, "a plain script in float32", ours, plain, 3)

    operations, moved = (n * amount for amount in least_work(plain_net, images[:1].to(device)))
    A = torch.randn(4096, 4096, device=device).to(precision or torch.float32)
    source = torch.zeros(2**28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    rates = []
    for work, amount in ((lambda: A @ A, 2 * 4096**3), (lambda: target.copy_(source), 2 * source.numel())):
        many = on_device(repeat(work, 3), device)
        many()
        rates.append(3 * amount / min(seconds(many) for _ in range(3)))
    times = operations / rates[0], moved / rates[1]
    which, least = ("operations", times[0]) if times[0] > times[1] else ("bytes moved", times[1])
    against = f"its convolutions alone ({operations / 1e12:.3g} TFLOP, {moved / 1e9:.3g} GB; {which})"
    mine = [seconds(ours) for _ in range(3)]
    yield Row(what, sorted(mine)[1], against, least, Spread.of([x / least for x in mine]), floor=True)


def growth(generator, dims=(100, 200, 400, 800, 1500, 3000)):
    """Gradient and SGD step over d: (d, gradient's seconds, over its floor, step's seconds, over its floor)."""
    for d in dims:
        W, W_star = (torch.randn(d, d, generator=generator, dtype=torch.float64) * 0.3 / d**0.5 for _ in range(2))
        times, batch, many = max(1, 300 // d), d // 5, max(5, 10_000 // d)
        four, two = floor(d, d, d, W.dtype, 3).times(4 * times), floor(batch, d, d, torch.float32, 3).times(2 * many)
        gradient = over("", "", repeat(partial(population.gradient, W, W_star), times), four, 5, times=times)
        step = over("", "", stepper(W.float(), batch, 1e-5, many), two, 5, times=many)
        yield d, gradient.ours, gradient.ratio, step.ours, step.ratio


def company(generator):
    """The SGD step over the number of runs: (runs, Spread of the seconds of a step and run)."""
    W = weights.with_norms(100, 0.6, 5.0, generator).float()
    for runs in (1, 2, 5, 10, 20):
        steps = stepper(W, 200, 1e-3, 50, runs)
        yield runs, Spread.of([seconds(steps) / 50 / runs for _ in range(5)])


def heavy_calls(generator):
    """{what: work} of the calls that are timed quiet and beside busy processes, a second or so each."""
    pair = [weights.with_norms(1500, 0.15, 0.13 * 1500**0.5, generator) for _ in range(2)]
    small = [weights.with_norms(100, 0.5, 4.0, generator) for _ in range(2)]
    three_hundred = weights.wrong_way_start(300, 2.0, -4.0, generator)
    W, W_star, _ = search.starts(12, 0.3, 20, generator)
    net, images, labels = networks.resnet56(), torch.randn(256, 3, 32, 32), torch.randint(10, (256,))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    return {
        "five networks of section 5.2, one epoch": epoch(*setting_5_2(generator)),
        "20 steps of section 5.3, d = 1500": stepper(
            weights.wrong_way_start(1500, 5.0, -18.75, generator).float(), 300, 1e-4, 20
        ),
        "the exact gradient, d = 1500": partial(population.gradient, *pair),
        "the exact gradient, d = 100, 500 times": repeat(partial(population.gradient, *small), 500),
        "the flow, d = 300": partial(flow.integrate, three_hundred, torch.zeros_like(three_hundred), 35.0),
        "the search for the worst pair": partial(search.minimize, W, W_star, 0.3, steps=20),
        "ResNet-56, two minibatches": partial(
            training.train, net, images, labels, optimizer=optimiser, epochs=1, batch=128, seed=0
        ),
    }


def stepper(W, batch, eta, steps, runs=1):
    """So many steps of `sgd.train` on fresh samples, the teacher being the identity."""
    return partial(minibatch.Runs(W, torch.zeros_like(W), [eta] * runs, batch, list(range(runs)), None).advance, steps)
