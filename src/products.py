"""Products of matrices and elementary functions on a CPU, by the faster of torch and numpy.

Each brings a BLAS and vectorised functions of its own. On processors with AVX-512 numpy's are up to two and five times
as fast, on others not. The kernel that its BLAS chose tells which kind it is: a rule and no measurement, so that a run
that is gone on with in another process adds in the same order. On a GPU, and for batches of matrices, it is torch.
"""

import functools

import numpy as np
import torch

from src import threads

_AVX512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}  # kernels of OpenBLAS
_SMALL = 200  # below this dimension calls cost as much as what they save
_TORCH = {np.arccos: torch.Tensor.acos_, np.sin: torch.Tensor.sin_}


def multiply(A, B):
    """A B, for [..., m, k] and [..., k, n]."""
    if _single(A, B) and _numpy_is_faster():
        return torch.from_numpy(np.dot(A.numpy(), B.numpy()))
    return A @ B


def into(out, A, B):
    """A function without arguments that writes A B into `out`, for a product that is made many times."""
    if _single(A, B) and _numpy_is_faster():
        return functools.partial(np.dot, A.numpy(), B.numpy(), out=out.numpy())
    return functools.partial(torch.mm if A.ndim == 2 else torch.bmm, A, B, out=out)


def subtracted(C, A, B):
    """A function without arguments that takes A B from C in place."""
    if _single(A, B) and _numpy_is_faster():
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
    if x.device.type == "cpu" and x.numel() >= _SMALL**2 and _numpy_is_faster():
        function(x.numpy(), out=x.numpy())
        return x
    return _TORCH[function](x)


def _single(*matrices):
    return all(A.ndim == 2 and A.device.type == "cpu" for A in matrices)


@functools.cache
def _numpy_is_faster():
    return any(library.architecture in _AVX512 for library in threads._blas())
