"""The clock, the machine's limits, and a machine that is not quiet."""

import itertools
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from threadpoolctl import threadpool_info
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from src.threads import limited

BUSY = 2  # processes beside which everything is timed again
_WORK = "import torch\nA = torch.randn(500, 500)\nwhile True: A @ A"


class Spread(NamedTuple):
    """A median with the least and the largest value."""

    median: float
    least: float
    largest: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self):
        return "{:.3g} ({:.3g} – {:.3g})".format(*self)


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(ours, other, rounds):
    """Both in turn, after one of each to warm up: the median times, and the Spread of other / ours."""
    ours(), other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(rounds)]
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return mine, theirs, Spread.of([b / a for a, b in pairs])


def repeat(work, times):
    def many():
        for _ in range(times):
            work()

    return many


class Floor(NamedTuple):
    """The fastest way that was found to multiply two matrices."""

    way: str
    times: object  # times(n) is a function without arguments that does it n times


def floor(m, k, n, dtype, rounds=7):
    """The Floor for [m, k] times [k, n] on the CPU, among torch and numpy, on one thread and on all."""
    A, B, out = (torch.rand(shape, dtype=dtype) for shape in ((m, k), (k, n), (m, n)))
    products = {
        "torch": lambda: torch.mm(A, B, out=out),
        "numpy": lambda: np.dot(A.numpy(), B.numpy(), out=out.numpy()),
    }
    often, found = max(1, round(2e7 / (m * k * n))), {}
    for (name, product), threads in itertools.product(products.items(), {1, torch.get_num_threads()}):
        work = _on(threads, repeat(product, often))
        work()
        found[f"{name}, {threads} thread{'s' * (threads > 1)}"] = (
            min(seconds(work) for _ in range(rounds)),
            product,
            threads,
        )
    way = min(found, key=lambda way: found[way][0])
    _, product, threads = found[way]
    return Floor(way, lambda times: _on(threads, repeat(product, times)))


def _on(threads, work):
    def on():
        with limited(threads):
            work()

    return on


@contextmanager
def busy(processes=BUSY):
    """Beside so many processes that multiply matrices, each with as many threads as torch takes."""
    children = [subprocess.Popen([sys.executable, "-c", _WORK]) for _ in range(processes)]
    try:
        time.sleep(5)  # until they have started
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()


def kernels():
    """The BLAS libraries of this process and what they take the processor for, in words."""
    blas = [
        f"{one['internal_api']} {one['version']} ({one['architecture']})"
        for one in threadpool_info()
        if one["user_api"] == "blas"
    ]
    mkl = torch.__config__.show().split("Math Kernel Library Version ")
    return ", ".join(["MKL " + mkl[1].split()[0]] * (len(mkl) > 1) + sorted(set(blas)))


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
