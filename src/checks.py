"""Checks of arguments, shared by the modules of `src`: every complaint names the argument and what it should be."""

import functools
import inspect
import math
import numbers
from typing import NamedTuple

import numpy as np
import torch

DIMENSION = range(1, 10_001)  # of a matrix that is made: one of doubles then takes up to 0.8 GB
COUNT = range(1, 10**9)  # of what is done or drawn one after another
FORMULA = range(1, 10**15)  # a dimension, steps or samples that only enter a formula
SEED = range(2**63)


def check_matrix(name, W):
    """A finite, square, floating-point matrix, or a batch of them."""
    if not isinstance(W, torch.Tensor):
        raise TypeError(f"{name} must be a torch.Tensor of shape [..., d, d], not {type(W).__name__}")
    if W.layout != torch.strided:
        raise TypeError(f"{name} must be a dense tensor, not {W.layout}")
    if W.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must have a floating dtype, float32 or float64, not {W.dtype}")
    if W.is_meta:
        raise ValueError(f"{name} must be on a device that holds its entries, not on {W.device}")
    if W.ndim < 2 or W.shape[-1] != W.shape[-2] or W.shape[-1] == 0:
        raise ValueError(f"{name} must be square, of shape [..., d, d] with d >= 1, not {list(W.shape)}")
    if not torch.isfinite(torch.linalg.vector_norm(W.detach(), math.inf)):
        raise ValueError(f"{name} must be finite; it holds NaN or infinity")


def check_same_kind(name, W, reference, of="W"):
    """A matrix of the dtype, device and dimension of one already checked, whose name is `of`."""
    check_matrix(name, W)
    if W.dtype != reference.dtype:
        raise TypeError(f"{name} must have the dtype of {of}, {reference.dtype}, not {W.dtype}")
    if W.device != reference.device:
        raise ValueError(f"{name} must be on the device of {of}, {reference.device}, not {W.device}")
    if W.shape[-1] != reference.shape[-1]:
        raise ValueError(f"{name} must have the dimension of {of}, d = {reference.shape[-1]}, not d = {W.shape[-1]}")
    try:
        torch.broadcast_shapes(W.shape, reference.shape)
    except RuntimeError:
        raise ValueError(
            f"{name} must have batch dimensions that broadcast with those of {of}, {list(reference.shape[:-2])}, "
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


class _Within(NamedTuple):
    low: float
    high: float


class _Each(NamedTuple):
    allowed: object


class _Entries(NamedTuple):
    allowed: object


class _Optional(NamedTuple):
    allowed: object


class _Like(NamedTuple):
    name: str


MATRIX = object()  # what `check_matrix` lets pass


def between(low, high):
    """A number (int or float) strictly between ``low`` and ``high``; either may be infinite."""
    return _Between(low, high)


def within(low, high):
    """A finite number from ``low`` to ``high``, both allowed where they are finite."""
    return _Within(low, high)


def each(allowed):
    """A non-empty list whose every entry is `allowed`."""
    return _Each(allowed)


def entries(allowed):
    """A number that is `allowed`, or a non-empty numpy array or torch tensor of such numbers."""
    return _Entries(allowed)


def optional(allowed):
    """None, or what is `allowed`."""
    return _Optional(allowed)


def like(name):
    """A matrix of the dtype, device and dimension of the argument `name`, which is checked before."""
    return _Like(name)


def arguments(**allowed):
    """A decorator: each argument named here is what `check_value` allows, or the call is refused before any work.

    They are checked in the order written; `MATRIX` and `like` are allowed here too.
    """

    def decorate(function):
        signature = inspect.signature(function)
        if unknown := set(allowed) - set(signature.parameters):
            raise TypeError(f"{function.__name__} has no argument {', '.join(sorted(unknown))}")

        @functools.wraps(function)
        def checked(*args, **kwargs):
            given = signature.bind(*args, **kwargs).arguments
            for name, kind in allowed.items():
                if name not in given:
                    continue
                if isinstance(kind, _Like):
                    check_same_kind(name, given[name], given[kind.name], kind.name)
                else:
                    check_value(name, given[name], kind)
            return function(*args, **kwargs)

        return checked

    return decorate


def check_value(name, value, allowed):
    """Raise unless `value` is one that `allowed` describes.

    allowed: a `range` (an integer), `between` or `within` (a number), a tuple of strings (one of them), `bool`, `str`
    (any text), `each` (a non-empty list of any of these), `entries` (a number or an array of numbers), `optional`,
    `MATRIX`, `callable`, or another class (one of its instances). Raises ValueError, or TypeError for a wrong type, in
    terms of `name`.
    """
    got = f"got {_shown(value)} ({type(value).__name__})"
    match allowed:
        case _Optional(inner):
            if value is not None:
                check_value(name, value, inner)
        case _Each(inner):
            if not isinstance(value, list | tuple | range):
                raise TypeError(f"{name} must be a list; {got}")
            if not value:
                raise ValueError(f"{name} must have at least one entry; got an empty list")
            for k, entry in enumerate(value):
                check_value(f"entry {k} of {name}", entry, inner)
        case _Entries(inner):
            _check_entries(name, value, inner)
        case range():
            if isinstance(value, bool) or not isinstance(value, numbers.Integral):
                raise TypeError(f"{name} must be an integer; {got}")
            if value not in allowed:
                step = f" in steps of {allowed.step}" if allowed.step != 1 else ""
                raise ValueError(f"{name} must be from {allowed[0]} to {allowed[-1]}{step}; {got}")
        case _Between(low, high) | _Within(low, high):
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                yaml = "; in a YAML file write 1.0e-4, not 1e-4" if isinstance(value, str) else ""
                raise TypeError(f"{name} must be a number; {got}{yaml}")
            inside = low < value < high if isinstance(allowed, _Between) else low <= value <= high
            if not (inside and math.isfinite(value)):  # also refuses NaN
                raise ValueError(f"{name} must be {_interval(allowed)}; {got}")
        case tuple():
            if not isinstance(value, str):
                raise TypeError(f"{name} must be one of {', '.join(allowed)}; {got}")
            if value not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}; {got}")
        case _ if allowed is MATRIX:
            check_matrix(name, value)
        case _ if allowed is callable:
            if not callable(value):
                raise TypeError(f"{name} must be a function; {got}")
        case type():
            _check_class(name, value, allowed, got)
        case _:
            raise TypeError(f"check_value does not know what {allowed!r} allows for {name}")


def _interval(allowed):
    low, high = allowed
    if high == math.inf and low in (0, -math.inf):
        return (
            "finite" if low else "positive and finite" if isinstance(allowed, _Between) else "finite and not negative"
        )
    return f"between {low} and {high}" if isinstance(allowed, _Between) else f"from {low} to {high}"


def _check_class(name, value, allowed, got):
    if not isinstance(value, allowed):
        what = {str: "text", bool: "true or false"}.get(
            allowed, f"of the class {allowed.__module__}.{allowed.__name__}"
        )
        raise TypeError(f"{name} must be {what}; {got}")


def _check_entries(name, value, inner):
    """A number, or every entry of an array: only its extremes need be looked at, as what is allowed is an interval."""
    if not isinstance(value, torch.Tensor | np.ndarray):
        return check_value(name, value, inner)
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or value.is_meta:
            raise TypeError(
                f"{name} must be a dense tensor that holds its entries, not {value.layout} on {value.device}"
            )
        value = value.detach().cpu().numpy()
    if value.dtype.kind not in "iuf" or (isinstance(inner, range) and value.dtype.kind == "f"):
        raise TypeError(f"{name} must hold {'integers' if isinstance(inner, range) else 'numbers'}, not {value.dtype}")
    if not value.size:
        raise ValueError(f"{name} must have at least one entry; got an empty array")
    for extreme in (value.min(), value.max()):  # NaN where there is one
        check_value(f"every entry of {name}", extreme.item(), inner)


def _shown(value):
    """What a complaint prints of a value: an array has too many entries to print."""
    return f"an array {list(value.shape)}" if isinstance(value, torch.Tensor | np.ndarray) else repr(value)


def device(name):
    """The torch.device for "auto" (CUDA where there is one), "cpu" or "cuda".

    Raises ValueError for another name, and where "cuda" is asked for and absent.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise ValueError(f"device must be one of auto, cpu, cuda, not {name!r}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is 'cuda', but torch sees no CUDA device here; use 'auto' or 'cpu'")
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
