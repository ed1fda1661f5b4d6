"""Products of matrices and elementary functions on a CPU, by the faster of torch and numpy.

Each brings a BLAS and vectorised functions of its own, and which is faster depends on the processor. Both are timed
once a process, for each function, precision, number of threads and for small and large matrices, when that is first
needed; numpy is taken where it gains a quarter at least. Results agree to rounding. On a GPU, and for batches of
matrices, it is always torch.
"""

import functools
import time

import numpy as np
import torch

_TIMED = {False: 100, True: 600}  # rows and columns of the small and the large matrices that are timed
_GAIN = 1.25
_SMALL = 200  # below this dimension calls cost as much as what they save
_TORCH = {np.dot: torch.mm, np.arccos: torch.Tensor.acos_, np.sin: torch.Tensor.sin_}


def multiply(A, B):
    """A B, for [..., m, k] and [..., k, n]."""
    if _single(A, B) and _by_numpy(np.dot, B):
        return torch.from_numpy(np.dot(A.numpy(), B.numpy()))
    return A @ B


def into(out, A, B):
    """A function without arguments that writes A B into `out`, for a product that is made many times."""
    if _single(A, B) and _by_numpy(np.dot, B):
        return functools.partial(np.dot, A.numpy(), B.numpy(), out=out.numpy())
    return functools.partial(torch.mm if A.ndim == 2 else torch.bmm, A, B, out=out)


def subtracted(C, A, B):
    """A function without arguments that takes A B from C in place."""
    if _single(A, B) and _by_numpy(np.dot, C):
        AB = torch.empty_like(C)
        product = functools.partial(np.dot, A.numpy(), B.numpy(), out=AB.numpy())
        return lambda: (product(), C.sub_(AB))
    return functools.partial(C.addmm_ if C.ndim == 2 else C.baddbmm_, A, B, alpha=-1)


def gram(A):
    """A^T A for [..., m, n]. Its two halves are equal, and numpy computes only one of them."""
    if _single(A) and A.shape[-1] >= _SMALL:
        return torch.from_numpy(np.dot(A.numpy().T, A.numpy()))
    return A.mT @ A


def arccos_(x):
    """In place."""
    return _elementary(np.arccos, x)


def sin(x, out=None):
    """The sine, into `out` if it is given."""
    return _elementary(np.sin, x.clone() if out is None else out.copy_(x))


def _elementary(function, x):
    if x.device.type == "cpu" and x.numel() >= _SMALL**2 and _by_numpy(function, x):
        function(x.numpy(), out=x.numpy())
        return x
    return _TORCH[function](x)


def _single(*matrices):
    return all(A.ndim == 2 and A.device.type == "cpu" for A in matrices)


def _by_numpy(function, x):
    return _numpy_is_faster(function, x.dtype, x.numel() > _SMALL**2, torch.get_num_threads())


@functools.cache
def _numpy_is_faster(function, dtype, large, threads):
    A, B, out = torch.empty(3, *[_TIMED[large]] * 2, dtype=dtype).uniform_(-1, 1)
    arguments = (A, B) if function is np.dot else (A,)
    by_numpy = functools.partial(function, *(X.numpy() for X in arguments), out=out.numpy())
    by_torch = functools.partial(_TORCH[function], *arguments, **({"out": out} if function is np.dot else {}))
    return _GAIN * _seconds(by_numpy) < _seconds(by_torch)


def _seconds(work):
    """The least of several times."""
    times = []
    for _ in range(7):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return min(times)
