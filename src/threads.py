"""How many threads a computation gets, decided in one place by the size of its matrices.

Threads that share a small product wait for each other at its end: where a core is at other work, milliseconds for a
product of microseconds. So small matrices get one thread. Several runs with large ones are made side by side, each on
a core of its own, which needs no waiting at all.
"""

import functools
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import torch
from threadpoolctl import ThreadpoolController

from src.checks import arguments

LARGE = 400  # from this dimension on a product is worth a second thread
_ALONE = 64 * 64  # so few numbers are left to one thread by the libraries themselves
_for_large = None  # the threads of large matrices, where they are not those of all


def one_by_default():
    """For a chapter: from now on what does not tell its size gets one thread; large matrices get all as before."""
    global _for_large
    _for_large = _all()
    _set(1)


@arguments(number=range(1, 1025))
@contextmanager
def limited(number):
    """Within it torch and BLAS compute on so many threads: sums are added in one order, and a seed fixes a run."""
    global _for_large
    before = _for_large, torch.get_num_threads(), [library.num_threads for library in _blas()]
    _for_large = None
    _set(number)
    try:
        yield
    finally:
        _for_large = before[0]
        torch.set_num_threads(before[1])
        for library, threads in zip(_blas(), before[2], strict=True):
            library.set_num_threads(threads)


def of_size(W):
    """Within it computations with [..., d, d] matrices such as W get the threads they are worth."""
    if W.device.type != "cpu" or W.numel() <= _ALONE:
        return nullcontext()
    wanted = _all() if W.shape[-1] >= LARGE else 1
    return nullcontext() if wanted == torch.get_num_threads() else limited(wanted)


def by_size(function):
    """`of_size` of the first argument, [..., d], around a function of matrices."""

    @functools.wraps(function)
    def sized(W, *others):
        with of_size(W):
            return function(W, *others)

    return sized


@contextmanager
def side_by_side(runs, d):
    """Gives each(function, items), the results for all items: runs with products of size d.

    Large ones share the cores among them; cores left over go to the products within a run. Small ones are made one
    after another, as Python's lock would let threads wait for each other between any two of their products.
    """
    cores = _all() if d >= LARGE else 1
    workers = min(runs, cores)
    with limited(cores // workers):
        if workers == 1:
            yield lambda function, items: [function(item) for item in items]
        else:
            within = torch.get_num_threads()
            with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(within)) as pool:
                yield lambda function, items: list(pool.map(function, items))


def _all():
    return _for_large or torch.get_num_threads()


def _set(number):
    torch.set_num_threads(number)
    for library in _blas():
        library.set_num_threads(number)


@functools.cache
def _blas():
    """Those of numpy and scipy."""
    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
