"""Products of matrices, norms and the arc cosine on a CPU, by the faster of torch and numpy.

Each brings a BLAS and vectorised functions of its own. On processors with AVX-512 numpy's are up to two and five times
as fast, on others not. The kernel that its BLAS chose tells which kind it is: a rule and no measurement, so that a run
that is gone on with in another process adds in the same order. On a GPU it is torch.
"""

import functools

import numpy as np
import torch

from src import threads

_AVX512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}  # kernels of OpenBLAS
_SMALL = 200  # below this dimension calls cost as much as what they save


def multiply(A, B):
    """A B, for [..., m, k] and [..., k, n]."""
    if _single(A, B) and _numpy_is_faster():
        return torch.from_numpy(np.dot(A.numpy(), B.numpy()))
    return A @ B


def into(out, A, B):
    """A function without arguments that writes A B into `out`, [S, m, n], for a product that is made many times."""
    if A.device.type == "cpu" and _numpy_is_faster():
        return functools.partial(np.matmul, A.numpy(), B.numpy(), out=out.numpy())
    return functools.partial(torch.bmm, A, B, out=out)


def subtracted(C, A, B):
    """A function without arguments that takes A B from C, [S, m, n], in place."""
    if A.device.type == "cpu" and _numpy_is_faster():
        AB, C = np.empty(C.shape, C.numpy().dtype), C.numpy()
        product = into(torch.from_numpy(AB), A, B)
        return lambda: np.subtract(C, product(), out=C)
    return functools.partial(C.baddbmm_, A, B, alpha=-1)


def gram(A):
    """A^T A for [..., m, n]. Its two halves are equal, and numpy computes only one of them."""
    if _single(A) and A.shape[-1] >= _SMALL:
        return torch.from_numpy(np.dot(A.numpy().T, A.numpy()))
    return A.mT @ A


def column_norms(A):
    """|a_j| for [..., m, n]: [..., 1, n]. On a CPU by numpy, which reads A once and row by row."""
    if A.device.type == "cpu":
        return torch.from_numpy(np.sqrt(np.einsum("...ij,...ij->...j", A.numpy(), A.numpy()))[..., None, :])
    return A.norm(dim=-2, keepdim=True)


def arccos_(x):
    """In place."""
    if x.device.type == "cpu" and x.numel() >= _SMALL**2 and _numpy_is_faster():
        np.arccos(x.numpy(), out=x.numpy())
        return x
    return x.acos_()


def _single(*matrices):
    return all(A.ndim == 2 and A.device.type == "cpu" for A in matrices)


@functools.cache
def _numpy_is_faster():
    return any(library.architecture in _AVX512 for library in threads._blas())
