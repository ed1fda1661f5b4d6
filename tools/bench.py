"""How fast is it? `make bench` measures ratios in one run and stores the table that the book's benchmark page shows.

Every ratio is taken between two pieces of work done in turn, several times: the median ratio with the smallest and the
largest. Times alone depend on the machine; ratios much less.
"""

import os
import platform
import re
import statistics
import time
from datetime import UTC, datetime
from functools import partial

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import nn
from torch.utils.data import DataLoader, Dataset, TensorDataset
from torch.utils.flop_counter import FlopCounterMode

from src import checks
from src.dynamics import flow, minibatch, sgd, three_variables
from src.experiments import networks, table_1, training
from src.model import population, weights
from src.runs import recorded

TABLE = recorded.FOLDER / "benchmarks.md"
UNITS = re.compile(r"(?<=\d) (?=(?:s|ms|µs)\b)")  # the spaces at which a line must not break


class Plain(nn.Module):
    """Eq. 1 as a reader would write it."""

    def __init__(self, W):
        super().__init__()
        self.W = nn.Parameter(W.clone())
        self.register_buffer("identity", torch.eye(len(W)))

    def forward(self, x):
        return torch.relu(x @ (self.identity + self.W)).sum(1)


def plain_step(model, teacher, optimiser, x):
    optimiser.zero_grad()
    loss = ((model(x) - teacher(x).detach()) ** 2).mean()
    loss.backward()
    optimiser.step()


def plain_epoch(W0, W_star, samples, batch, eta, loader):
    """One epoch of the plain loop, over a DataLoader or by plain indexing."""
    model, teacher = Plain(W0), Plain(W_star)
    optimiser = torch.optim.SGD(model.parameters(), lr=eta)
    if loader:
        batches = (x for (x,) in DataLoader(TensorDataset(samples), batch_size=batch, shuffle=True))
    else:
        batches = (samples[rows] for rows in torch.randperm(len(samples)).split(batch))
    for x in batches:
        plain_step(model, teacher, optimiser, x)


def loops_gradient(W, W_star):
    """Lemma 2.1 with two loops over the columns, at the true scale."""
    d = len(W)
    A, B = torch.eye(d, dtype=W.dtype) + W, torch.eye(d, dtype=W.dtype) + W_star
    result = torch.zeros_like(W)
    for j in range(d):
        a_j = A[:, j]
        for i in range(d):
            for p, sign in ((A[:, i], 1), (B[:, i], -1)):
                theta = torch.acos((p @ a_j / (p.norm() * a_j.norm())).clamp(-1, 1))
                result[:, j] += sign * ((torch.pi - theta) * p + p.norm() * theta.sin() * a_j / a_j.norm())
    return result / torch.pi


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(ours, other, rounds):
    """Runs in turn, after one of each to warm up: the two medians, and median, least and largest of other / ours."""
    ours(), other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    ratios = [b / a for a, b in pairs]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return mine, theirs, (statistics.median(ratios), min(ratios), max(ratios))


def repeat(work, times):
    def many():
        for _ in range(times):
            work()

    return many


def spread(ratios, invert=False):
    if invert:
        ratios = tuple(1 / r for r in (ratios[0], ratios[2], ratios[1]))
    return "{:.3g} ({:.3g} – {:.3g})".format(*ratios)


def five_seeds(generator, n=100_000):
    """(a) Section 5.2, five ResLink seeds for one epoch, against the plain loop five times."""
    d, batch, eta, runs = 100, 200, 1e-3, 5
    samples = torch.randn(n, d, generator=generator)
    W_star = weights.with_norms(d, 0.6, 5.7, generator).float()
    starts = torch.stack([weights.with_norms(d, 0.6, 5.0, generator) for _ in range(runs)]).float()
    steps = n // batch
    settings = {"eta": eta, "batch": batch, "steps": steps, "samples": samples, "record_at": [steps]}

    def engine():
        sgd.train(starts, W_star, seeds=range(runs), **settings)

    for name, loader, rounds in (("a DataLoader", True, 3), ("plain indexing", False, 5)):
        plain = partial(plain_epoch, starts[0], W_star, samples, batch, eta, loader)
        mine, other, ratios = compare(engine, repeat(plain, runs), rounds)
        what = f"(a) five seeds of section 5.2, one epoch, against the plain loop with {name}"
        yield what, f"{mine:.3g} s", f"{other:.3g} s", spread(ratios)


def one_step(generator, d=1500, batch=300):
    """(b) Section 5.3, a step at d = 1500 and batch 300; the seconds of a step are the generator's return value."""
    eta, times = 1e-4, 20
    W = weights.wrong_way_start(d, 5.0, -18.75, generator).float()
    step = repeat(stepper(W, batch, eta), times)
    mine, other, ratios = compare(step, repeat(two_products(W, batch), times), 9)
    what = f"(b) an SGD step at d = {d}, batch {batch}, over its two bare products"
    yield what, f"{mine / times * 1e3:.3g} ms", f"{other / times * 1e3:.3g} ms", spread(ratios, invert=True)

    model, teacher = Plain(W), Plain(torch.zeros_like(W))
    optimiser = torch.optim.SGD(model.parameters(), lr=eta)
    plain = repeat(lambda: plain_step(model, teacher, optimiser, torch.randn(batch, d)), times)
    mine, other, ratios = compare(step, plain, 5)
    yield (
        "(b) the same against the plain loop",
        f"{mine / times * 1e3:.3g} ms",
        f"{other / times * 1e3:.3g} ms",
        spread(ratios),
    )
    return mine / times


def exact_gradient(generator, d=1500, d_loops=100):
    """(c) The exact gradient against four bare products, and against loops."""
    W, W_star = (weights.with_norms(d, 0.15, 0.13 * d**0.5, generator) for _ in range(2))
    mine, other, ratios = compare(partial(population.gradient, W, W_star), four_products(W, W_star), 9)
    what = f"(c) the exact gradient at d = {d}, float64, over four bare products"
    yield what, f"{mine:.3g} s", f"{other:.3g} s", spread(ratios, invert=True)

    W, W_star = (weights.with_norms(d_loops, 0.5, 0.4 * d_loops**0.5, generator) for _ in range(2))
    mine, other, ratios = compare(partial(population.gradient, W, W_star), partial(loops_gradient, W, W_star), 3)
    yield (
        f"(c) the exact gradient at d = {d_loops} against two loops",
        f"{mine * 1e3:.3g} ms",
        f"{other:.3g} s",
        spread(ratios),
    )


def whole_flow(step_seconds, d=1499):
    """(d) All of Figure 8(b) by the flow, against SGD and against an adaptive explicit solver."""
    eta, t_end = 1e-4, 35.0
    start = three_variables.start(d, 5.0, -18.75)
    W, zero = three_variables.matrix(start, d), torch.zeros(d, d, dtype=torch.float64)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        history = flow.integrate(W, zero, t_end, rtol=3e-3)
        times.append(time.perf_counter() - begun)
    reference = three_variables.integrate(start, d, history.t[1:])
    error = 100 * (history.distance[1:] / reference.distance - 1).abs().max().item()
    mine = statistics.median(times)

    def against(other):
        return spread((other / mine, other / max(times), other / min(times)))

    steps = round(t_end / eta)
    sgd_seconds = step_seconds * steps
    what = f"(d) the flow over t = 35 at d = {d} (distance within {error:.2g} % of exact) against {steps:,} SGD steps"
    yield what, f"{mine:.3g} s", f"{sgd_seconds:.3g} s, from the step above", against(sgd_seconds)

    # An explicit solver's steps follow the trajectory's fast modes, which the three-variable flow shares.
    explicit = solve_ivp(
        lambda _, W: np.negative(three_variables.gradient(tuple(W), d)),
        (0, t_end),
        start,
        method="RK45",
        rtol=1e-3,
        atol=1e-9,
    )
    gradient_seconds = statistics.median(seconds(partial(population.gradient, W, zero)) for _ in range(9))
    other = explicit.nfev * gradient_seconds
    what = f"(d) the same against an adaptive explicit solver, RK45 with {explicit.nfev:,} gradients"
    yield what, f"{mine:.3g} s", f"{other:.3g} s, from one gradient", against(other)


class Augmented(Dataset):
    """CIFAR-10's usual augmentation as a reader would write it: image by image."""

    def __init__(self, images, labels):
        self.images, self.labels = nn.functional.pad(images, [4] * 4), labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, k):
        top, left = torch.randint(9, (2,)).tolist()
        image = self.images[k, :, top : top + 32, left : left + 32]
        return (image.flip(-1) if torch.rand(()) < 0.5 else image), self.labels[k]


def residual_epoch(generator):
    """(e) Section 5.1: ResNet-56 by He et al.'s recipe, against a plain script and against the floor of the machine.

    An epoch on a GPU, ten minibatches on a CPU. The floor is the larger of two times: for the operations of all
    convolutions and their two gradients, at the rate of a large product in bfloat16; and for writing and reading every
    layer's output and its gradient once, in bfloat16, at the rate of a copy.
    """
    device = checks.device("auto")
    n = 50_000 if device.type == "cuda" else 1280
    images, labels = torch.randn(n, 3, 32, 32, generator=generator), torch.randint(10, (n,), generator=generator)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4}

    net = networks.resnet56().to(device, memory_format=torch.channels_last)
    optimiser, x, y = torch.optim.SGD(net.parameters(), **options), images.to(device), labels.to(device)

    def ours():
        training.train(
            net, x, y, optimizer=optimiser, epochs=1, batch=128, seed=0, augment=table_1.crop_and_flip,
            precision=torch.bfloat16,
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

    mine, other, ratios = compare(ours, plain, 3)
    what = f"(e) ResNet-56, {n:,} images of 50,000 on {where}"
    yield f"{what}, against a plain script in float32", f"{mine:.3g} s", f"{other:.3g} s", spread(ratios)

    operations, moved = (n * amount for amount in least_work(plain_net, images[:1].to(device)))
    A = torch.randn(4096, 4096, device=device).bfloat16()
    source = torch.zeros(2**28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    rates = []
    for work, amount in ((lambda: A @ A, 2 * 4096**3), (lambda: target.copy_(source), 2 * source.numel())):
        many = on_device(repeat(work, 5), device)
        many()
        rates.append(5 * amount / statistics.median(seconds(many) for _ in range(5)))
    times = operations / rates[0], moved / rates[1]
    which = "operations" if times[0] > times[1] else "bytes moved"
    floor = max(times)
    yield (
        f"{what}, over its convolutions alone ({operations / 1e12:.3g} TFLOP and {moved / 1e9:.3g} GB; {which})",
        f"{mine:.3g} s",
        f"{floor:.3g} s",
        f"{mine / floor:.3g}",
    )


def least_work(net, image):
    """What training cannot avoid for an image [1, c, h, w]: operations of all convolutions and the linear layer with
    both their gradients, and bytes: every convolution's output and its gradient, written and read once in bfloat16."""
    outputs = []
    hooks = [
        module.register_forward_hook(lambda module, inputs, output: outputs.append(output.numel()))
        for module in net.modules()
        if isinstance(module, nn.Conv2d)
    ]
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(image)
    for hook in hooks:
        hook.remove()
    return 3 * counter.get_total_flops(), 4 * 2 * sum(outputs)


def on_device(work, device):
    """`work` with its end waited for."""

    def waited():
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return waited


def growth(generator, dims=(100, 200, 400, 800, 1500, 3000)):
    """(f) Gradient and SGD step over d."""
    yield "| d | gradient, float64 | over 4 products | SGD step, batch d / 5 | over 2 products |"
    yield "|---|---|---|---|---|"
    for d in dims:
        W, W_star = (torch.randn(d, d, generator=generator, dtype=torch.float64) * 0.3 / d**0.5 for _ in range(2))
        times = max(1, 300 // d)
        gradient, _, products = compare(
            repeat(partial(population.gradient, W, W_star), times), repeat(four_products(W, W_star), times), 5
        )
        batch, many = d // 5, max(5, 10_000 // d)
        step, _, bare = compare(
            repeat(stepper(W.float(), batch, 1e-5), many), repeat(two_products(W.float(), batch), many), 5
        )
        yield (
            f"| {d} | {1e3 * gradient / times:.3g} ms | {spread(products, invert=True)} "
            f"| {1e3 * step / many:.3g} ms | {spread(bare, invert=True)} |"
        )


def company(generator):
    """(f) The SGD step over the number of seeds."""
    yield "| seeds at once | per step and seed, d = 100, batch 200 |"
    yield "|---|---|"
    W = weights.with_norms(100, 0.6, 5.0, generator).float()
    for runs in (1, 2, 5, 10, 20):
        step = stepper(W, 200, 1e-3, runs)
        each = sorted(seconds(repeat(step, 200)) / 200 / runs * 1e6 for _ in range(5))
        yield f"| {runs} | {each[2]:.3g} µs ({each[0]:.3g} – {each[-1]:.3g}) |"


def stepper(W, batch, eta, runs=1):
    """One step of `sgd.train` on fresh samples, the teacher being the identity."""
    return partial(minibatch.Runs(W, torch.zeros_like(W), [eta] * runs, batch, list(range(runs)), None).advance, 1)


def two_products(W, batch):
    d = len(W)
    x, r, A = torch.randn(batch, d), torch.randn(batch, d), torch.eye(d) + W
    z = torch.empty(batch, d)

    def products():
        torch.mm(x, A, out=z)
        A.addmm_(x.T, r, alpha=-1e-12)

    return products


def four_products(W, W_star):
    product = torch.empty_like(W)
    return repeat(lambda: torch.mm(W, W_star, out=product), 4)


def main():
    generator = torch.Generator().manual_seed(0)
    rows = []

    def take(measurements):
        while True:
            try:
                rows.append(next(measurements))
            except StopIteration as finished:
                return finished.value
            print(" | ".join(rows[-1]), flush=True)

    take(five_seeds(generator))
    step_seconds = take(one_step(generator))
    take(exact_gradient(generator))
    take(whole_flow(step_seconds))
    take(residual_epoch(generator))
    tables = []
    for table in (growth(generator), company(generator)):
        for line in table:
            tables.append(line)
            print(line, flush=True)
        tables.append("")
    store(rows, tables)
    print(f"stored in {TABLE.relative_to(recorded.ROOT)}")


def store(rows, tables):
    machine = f"{recorded.processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, {platform.system()}"
    lines = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d} on the CPU: {machine}; Python {platform.python_version()}, "
        f"torch {torch.__version__}.",
        "",
        "| what | the book | compared with | ratio: median (least – largest) |",
        "|---|---|---|---|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        *tables,
    ]
    unfinished = TABLE.with_suffix(".partial")
    unfinished.write_text(UNITS.sub("\u00a0", "\n".join(lines)), encoding="utf-8")
    os.replace(unfinished, TABLE)


if __name__ == "__main__":
    main()
