"""How many threads a computation gets, decided in one place by the size of its matrices.

Threads that share a small product wait for each other at its end: where a core is at other work, milliseconds for a
product of microseconds. So small matrices get one thread. Several runs are made side by side, each core with runs of
its own, which needs no waiting at all.
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
    _for_large = available()
    _set(1)


@arguments(number=range(1, 1025))
def limited(number):
    """Within it torch and BLAS compute on so many threads: sums are added in one order, and a seed fixes a run."""
    return _given(number, None)


@contextmanager
def _given(number, for_large):
    global _for_large
    before = _for_large, torch.get_num_threads(), [library.num_threads for library in _blas()]
    _for_large = for_large
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
    return _given(available() if W.shape[-1] >= LARGE else 1, available())


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

    They share the cores among them and do not wait for each other. Cores left over go to the products within a run, if
    these are large.
    """
    workers = min(runs, available())
    with _given(available() // workers if d >= LARGE else 1, None):
        if workers == 1:
            yield lambda function, items: [function(item) for item in items]
        else:
            within = torch.get_num_threads()
            with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(within)) as pool:
                yield lambda function, items: list(pool.map(function, items))


def available():
    """How many threads there may be in all."""
    return _for_large or torch.get_num_threads()


def _set(number):
    torch.set_num_threads(number)
    for library in _blas():
        library.set_num_threads(number)


@functools.cache
def _blas():
    """Those of numpy and scipy."""
    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
