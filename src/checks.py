"""Checks of arguments, shared by the modules of `src`: every complaint names the argument and what it should be."""

import math
import numbers

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
