"""Checks of arguments, shared by the modules of `src`: every complaint names the argument and what it should be."""

import math
import numbers
from typing import NamedTuple

import torch


def check_matrix(name, W):
    """A finite, square, floating-point matrix, or a batch of them."""
    if not isinstance(W, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape [..., d, d], not {type(W).__name__}")
    if W.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must have a floating dtype, float32 or float64, not {W.dtype}")
    if W.is_meta:
        raise ValueError(f"{name} must be on a device that holds its entries, not on {W.device}")
    if W.ndim < 2 or W.shape[-1] != W.shape[-2] or W.shape[-1] == 0:
        raise ValueError(f"{name} must be square, of shape [..., d, d] with d >= 1, not {list(W.shape)}")
    if not torch.isfinite(torch.linalg.vector_norm(W.detach(), math.inf)):
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")


def check_same_kind(name, W, reference):
    """A matrix of the dtype, device and dimension of one already checked."""
    check_matrix(name, W)
    if W.dtype != reference.dtype:
        raise TypeError(f"{name} must have the dtype of W, {reference.dtype}, not {W.dtype}")
    if W.device != reference.device:
        raise ValueError(f"{name} must be on the device of W, {reference.device}, not {W.device}")
    if W.shape[-1] != reference.shape[-1]:
        raise ValueError(f"{name} must have the dimension of W, d = {reference.shape[-1]}, not d = {W.shape[-1]}")
    try:
        torch.broadcast_shapes(W.shape, reference.shape)
    except RuntimeError:
        raise ValueError(
            f"{name} must have batch dimensions that broadcast with those of W, {list(reference.shape[:-2])}, "
            f"not {list(W.shape[:-2])}"
        ) from None


def check_pair(W, W_star):
    """Student and teacher weights at which the model is differentiable, broadcast to one shape."""
    check_matrix("W", W)
    check_same_kind("W_star", W_star, W)
    for name, matrix in (("W", W), ("W_star", W_star)):
        suspects = (matrix.diagonal(dim1=-2, dim2=-1) == -1).nonzero()  # only there can e_j + w_j be zero
        for *batch, j in suspects.tolist():
            if matrix[(*batch, slice(None), j)].count_nonzero() == 1:
                raise ValueError(f"{name} must leave every column of I + {name} non-zero; column {j} of it is zero")
    return torch.broadcast_tensors(W, W_star)


def check_integer(name, value, at_least):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, not {value}")


def check_positive(name, value):
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be positive and finite, not {value}")


def check_generator(generator):
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator must be a torch.Generator, not {type(generator).__name__}")


class _Between(NamedTuple):
    low: float
    high: float


class _Each(NamedTuple):
    allowed: object


def between(low, high):
    """A number (int or float) strictly between ``low`` and ``high``; either may be infinite."""
    return _Between(low, high)


def each(allowed):
    """A non-empty list whose every entry is `allowed`."""
    return _Each(allowed)


def check_value(name, value, allowed):
    """Raise unless `value` is one that `allowed` describes.

    allowed: a `range` (an integer), `between` (a number), a tuple of strings (one of them), `bool`, `str` (any text),
    or `each` (a non-empty list of any of these). Raises ValueError, or TypeError for a wrong type, in terms of `name`.
    """
    got = f"got {value!r} ({type(value).__name__})"
    if isinstance(allowed, _Each):
        if not isinstance(value, list | tuple):
            raise TypeError(f"{name} must be a list; {got}")
        if not value:
            raise ValueError(f"{name} must have at least one entry; got an empty list")
        for k, entry in enumerate(value):
            check_value(f"entry {k} of {name}", entry, allowed.allowed)
    elif allowed is str:
        if not isinstance(value, str):
            raise TypeError(f"{name} must be text; {got}")
    elif allowed is bool:
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be true or false; {got}")
    elif isinstance(allowed, range):
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{name} must be an integer; {got}")
        if value not in allowed:
            step = f" in steps of {allowed.step}" if allowed.step != 1 else ""
            raise ValueError(f"{name} must be from {allowed[0]} to {allowed[-1]}{step}; {got}")
    elif isinstance(allowed, _Between):
        if isinstance(value, bool) or not isinstance(value, int | float):
            yaml = "; in a YAML file write 1.0e-4, not 1e-4" if isinstance(value, str) else ""
            raise TypeError(f"{name} must be a number; {got}{yaml}")
        if not allowed.low < value < allowed.high:  # also refuses NaN
            raise ValueError(f"{name} must be between {allowed.low} and {allowed.high}; {got}")
    elif isinstance(allowed, tuple):
        if not isinstance(value, str):
            raise TypeError(f"{name} must be one of {', '.join(allowed)}; {got}")
        if value not in allowed:
            raise ValueError(f"{name} must be one of {', '.join(allowed)}; {got}")
    else:
        raise TypeError(f"check_value does not know what {allowed!r} allows for {name}")


def device(name):
    """The torch.device for "auto" (CUDA where there is one), "cpu" or "cuda".

    Raises ValueError for another name, and where "cuda" is asked for and absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be one of auto, cpu, cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but torch sees no CUDA device here; use 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
